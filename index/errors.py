"""What can go wrong, and what to do about it.

ReleaseQAError           one line: what is wrong and the next step
├── SourceError          a path to index that cannot be used
├── StoreError           an index that cannot be opened as asked
│   ├── IndexMissing     there is none
│   ├── IndexMismatch    made with another model, chunking or schema
│   └── IndexBusy        another process is writing to it
├── ModelError           a model that is missing, altered or not usable
├── FilterError          a company or date that selects nothing or makes no sense
└── NotInIndex           a release id that the index does not hold
"""

from __future__ import annotations


class ReleaseQAError(Exception):
    """Base of every error that a user can mend; ``str(error)`` is one line."""


class SourceError(ReleaseQAError):
    """A path to index that cannot be used."""


class StoreError(ReleaseQAError):
    """An index that cannot be opened as asked."""


class IndexMissing(StoreError):
    """There is no index at the path."""


class IndexMismatch(StoreError):
    """The index was made with another model, chunking or schema."""


class IndexBusy(StoreError):
    """Another process is writing to the index."""


class ModelError(ReleaseQAError):
    """A model that is missing, altered or not usable."""


class FilterError(ReleaseQAError):
    """A filter that selects nothing or makes no sense."""


class NotInIndex(ReleaseQAError):
    """A release id that the index does not hold."""
