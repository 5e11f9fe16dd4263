"""What can go wrong in asking; the tree's root and the index's branches are in ``index.errors``.

ReleaseQAError
├── QuestionError        a question that cannot be asked: empty or endless
├── AnswerFileError      a file of answers that cannot be read
└── ModelError           (of index.errors) a model that the user has to put right
    └── ModelFailed      a model that was reached and failed; it may work again later
"""

from __future__ import annotations

from index.errors import ModelError, ReleaseQAError


class QuestionError(ReleaseQAError):
    """A question that cannot be asked: empty or endless."""


class AnswerFileError(ReleaseQAError):
    """A file of answers that cannot be read."""


class ModelFailed(ModelError):
    """A model that was reached and failed; it may work again later."""
