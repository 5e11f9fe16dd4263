"""The extractive reader: which sentences of the passages found answer the question, if any do.

Three linear models. One scores every sentence by the features of ``qa.features``; the best few are
embedded, and the second scores those with their similarity to the question too; the third says, from
the best sentence and its lead, how probable it is that it answers. All were fitted to questions over
real releases by ``python -m evals.fit_reader`` and lie in ``reader.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from index.types import Embedder, Hit

from .features import NAMES, Candidate, candidates, matrix
from .query import Query
from .settings import Reading

Floats = NDArray[np.float64]

SHORTLIST = 6
"""Sentences that are embedded; more cost more time and picked no better sentence."""

SHORTLIST_NAMES = (*NAMES, "similarity")  # cosine of question and sentence

ANSWER_NAMES = (
    "score",  # of the best sentence
    "lead",  # over the second best
    "sharpness",  # its share of the shortlist's softmax
    *SHORTLIST_NAMES,
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Weights of the three models, in the order of NAMES, SHORTLIST_NAMES and ANSWER_NAMES.

    ``margin`` is how far below the best score another sentence may lie to be quoted too; an answer
    less probable than ``threshold`` is better not given.
    """

    embedder: Embedder
    first_weights: Floats
    weights: Floats
    answer_weights: Floats
    answer_bias: float
    margin: float
    threshold: float

    @classmethod
    def load(cls, embedder: Embedder) -> Reader:
        """The fitted reader that the package carries."""
        values = json.loads(files("qa").joinpath("reader.json").read_text("utf-8"))
        return cls(
            embedder,
            np.array([values["first_weights"][name] for name in NAMES]),
            np.array([values["weights"][name] for name in SHORTLIST_NAMES]),
            np.array([values["answer_weights"][name] for name in ANSWER_NAMES]),
            values["answer_bias"],
            values["margin"],
            values["threshold"],
        )

    def read(
        self, query: Query, hits: Sequence[Hit], settings: Reading
    ) -> tuple[list[Candidate], list[Candidate], float]:
        """The sentences that answer, in the order to show them; the SHORTLIST they are from; and the
        probability, 0 to 1, that they answer. The sentences are given even where it is low.
        """
        found = candidates(hits[: settings.passages])
        if not found:
            return [], [], 0.0
        features = matrix(query, found)
        best = shortlist(features @ self.first_weights)
        found, features = [found[i] for i in best], features[best]
        features = with_similarity(features, found, query, self.embedder)
        scores = features @ self.weights
        chosen = choose(found, scores, self.margin, settings)
        logit = float(answer_features(features, scores) @ self.answer_weights) + self.answer_bias
        return chosen, found, float(1 / (1 + np.exp(-logit)))


def shortlist(scores: Floats) -> list[int]:
    """Places of the SHORTLIST best scores, in the order of the text."""
    return sorted(int(i) for i in np.argsort(-scores, kind="stable")[:SHORTLIST])


def with_similarity(
    features: Floats, found: Sequence[Candidate], query: Query, embedder: Embedder
) -> Floats:
    """Features with one more column, shape (len(found), len(SHORTLIST_NAMES))."""
    vectors = embedder.embed_passages([c.text for c in found])
    return np.hstack([features, vectors @ query.vector.T])


def choose(
    found: Sequence[Candidate], scores: Floats, margin: float, settings: Reading
) -> list[Candidate]:
    """The best sentence and others of its release within ``margin`` of it, in the text's order.

    As far as the settings' limits allow; a sentence that a release repeats is given once.
    """
    order = np.argsort(-scores, kind="stable")
    best = found[int(order[0])]
    chosen: list[Candidate] = []
    texts: list[str] = []
    for c in (found[int(i)] for i in order if scores[i] >= scores[order[0]] - margin):
        text = " ".join(c.text.split())
        fits = len(" ".join([*texts, text])) <= settings.characters or not chosen
        new = c.hit.release_id == best.hit.release_id and text not in texts
        if new and fits and len(chosen) < settings.sentences:
            chosen.append(c)
            texts.append(text)
    return sorted(chosen, key=lambda c: c.start)


def answer_features(features: Floats, scores: Floats) -> Floats:
    """The inputs of the third model for one question, in the order of ANSWER_NAMES."""
    best = int(np.argmax(scores))
    rest = np.delete(scores, best)
    lead = float(scores[best] - rest.max()) if len(rest) else 5.0
    share = float(1 / np.exp(scores - scores[best]).sum())
    return np.concatenate([[scores[best], min(lead, 5.0), share], features[best]])
