"""What can go wrong in asking; the tree's root and the index's branches are in ``index.errors``.

ReleaseQAError
├── QuestionError        a question that cannot be asked: empty or endless
└── AnswerFileError      a file of answers that cannot be read
"""

from __future__ import annotations

from index.errors import ReleaseQAError


class QuestionError(ReleaseQAError):
    """A question that cannot be asked: empty or endless."""


class AnswerFileError(ReleaseQAError):
    """A file of answers that cannot be read."""
