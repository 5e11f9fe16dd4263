"""The extractive reader: which sentences of the passages found answer the question, if any do.

A linear model over the features of ``qa.features`` scores every sentence; a second one, over the
best sentence and its lead, says how probable it is that it answers. Both were fitted to questions
over real releases by ``python -m evals.fit_reader`` and lie in ``reader.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from index.types import Hit

from .features import NAMES, Candidate, candidates, matrix
from .retrieve import Query
from .settings import Reading

ANSWER_NAMES = (
    "score",  # of the best sentence
    "lead",  # over the best one that says something else
    "sharpness",  # its share of the candidates' softmax
    *NAMES,
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Two linear models: weights a feature, in the order of NAMES and of ANSWER_NAMES.

    ``margin`` is how far below the best score another sentence may lie to be quoted too; an answer
    less probable than ``threshold`` is better not given.
    """

    weights: NDArray[np.float64]
    answer_weights: NDArray[np.float64]
    answer_bias: float
    margin: float
    threshold: float

    @classmethod
    def load(cls) -> Reader:
        """The fitted reader that the package carries."""
        values = json.loads(files("qa").joinpath("reader.json").read_text("utf-8"))
        return cls(
            np.array([values["weights"][name] for name in NAMES]),
            np.array([values["answer_weights"][name] for name in ANSWER_NAMES]),
            values["answer_bias"],
            values["margin"],
            values["threshold"],
        )

    def read(self, query: Query, hits: Sequence[Hit], settings: Reading) -> tuple[list[Candidate], float]:
        """The sentences that answer, in the order to show them, and the probability, 0 to 1, that
        they do. The sentences are given even where it is low; none only where there are no hits.
        """
        found = candidates(hits[: settings.passages])
        if not found:
            return [], 0.0
        features = matrix(query, found)
        scores = features @ self.weights
        best = int(np.argmax(scores))
        chosen = choose(found, scores, self.margin, settings)
        inputs = answer_features(features, scores, best)
        logit = float(inputs @ self.answer_weights) + self.answer_bias
        return chosen, float(1 / (1 + np.exp(-logit)))


def choose(
    found: Sequence[Candidate], scores: NDArray[np.float64], margin: float, settings: Reading
) -> list[Candidate]:
    """The best sentence and those within ``margin`` of it, as far as the settings' limits allow.

    Sentences of a release stay in its order; the release of the best sentence comes first.
    """
    order = np.argsort(-scores, kind="stable")
    chosen: list[Candidate] = []
    texts: list[str] = []
    for c in (found[int(i)] for i in order if scores[i] >= scores[order[0]] - margin):
        text = " ".join(c.text.split())
        fits = len(" ".join([*texts, text])) <= settings.characters
        if len(chosen) < settings.sentences and text not in texts and (fits or not chosen):
            chosen.append(c)
            texts.append(text)
    ranks: dict[str, int] = {}
    for c in chosen:
        ranks.setdefault(c.hit.release_id, len(ranks))
    return sorted(chosen, key=lambda c: (ranks[c.hit.release_id], c.start))


def answer_features(
    features: NDArray[np.float64], scores: NDArray[np.float64], best: int
) -> NDArray[np.float64]:
    """The inputs of the second model for one question, in the order of ANSWER_NAMES."""
    rest = np.delete(scores, best)
    lead = float(scores[best] - rest.max()) if len(rest) else 5.0
    share = float(1 / np.exp(scores - scores[best]).sum())
    return np.concatenate([[scores[best], min(lead, 5.0), share], features[best]])
