"""The extractive reader: which sentences of the passages found answer the question, if any do.

The network of ``qa.network`` reads question and passage together and scores every sentence. A linear
model puts beside that what the words, the title, the date and the section say (``qa.features``) and picks
the sentences; another says, from the best of them and its lead, how probable it is that they answer. Both
were fitted by ``python -m evals.fit_reader`` to questions that the network was not trained on.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import groupby, product, zip_longest
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.types import Hit

from .asks import wants_list
from .features import NAMES, Candidate, candidates, is_item, matrix
from .query import Query
from .settings import READER, Reading

Floats = NDArray[np.float64]

SENTENCE_NAMES = (
    "read",  # the network's score of the sentence
    "passage_read",  # of its passage: the logarithm of the odds of all its sentences together
    "odds",  # logarithm of the retrieval's odds of its passage
    *NAMES,
)

ANSWER_NAMES = (
    "any",  # the network's odds, by their logarithm, that any sentence answers
    "any_share",  # the same as a probability
    "read",  # its odds that the best sentence does
    "read_share",
    "lead",  # of the best sentence's score over the second best
    "sharpness",  # its share of the softmax over all sentences
    "agreement",  # share of the softmax that the release of the best sentence has
    "unknown",  # share of the question's names that no text of the index has
    "year",  # as in qa.features, of the best sentence
    "odds",  # as above, of the best sentence
)

PASSAGE_NAMES = ("odds", "passage_read", "best_read")
"""What tells how well a passage answers: as in SENTENCE_NAMES, and the best score of its sentences."""

GAP = 4  # code points between a sentence and the next
BETWEEN = 12  # code points between an item of a list and the next, its mark included

_POINTS_BACK = re.compile(r"[\"“‘'(]*(?:It|Its|He|His|She|Her|They|Their|This|These|Those|Both|Such)\b")

FLOOR = 1e-4  # of odds, before their logarithm


@dataclass(frozen=True, slots=True)
class Text:
    """A passage to be read: its text, a line about it, and the spans of its sentences, in order."""

    passage: str
    heading: str
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What was read in a passage, for each of its sentences: how well it answers, and where in the
    passage the answer itself stands.
    """

    sentences: Floats
    spans: tuple[tuple[int, int], ...]


class Scorer(Protocol):
    """Reads passages for a question."""

    def read(self, question: str, texts: Sequence[Text]) -> list[Scores]: ...


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the sentences that answer, in the order to show them; the most promising of all,
    best first; the probability, 0 to 1, that those chosen answer; and all hits, best first as read.
    """

    chosen: tuple[Candidate, ...] = ()
    promising: tuple[Candidate, ...] = ()
    probability: float = 0.0
    hits: tuple[Hit, ...] = ()


def assembled(reads: Sequence[Read], settings: Reading) -> list[Candidate]:
    """The sentences chosen for the parts of a question, in the order of the parts, each once.

    First one for each part, of its most promising, so that together they are within the settings' limit
    of code points, if any are; then others that were chosen, as far as the limits allow.
    """
    if len(reads) == 1:
        return list(reads[0].chosen)
    every = product(*(enumerate(read.promising) for read in reads))
    choices = sorted(every, key=lambda choice: sum(rank for rank, _ in choice))
    fitting = (ch for ch in choices if _length(c for _, c in ch) <= settings.characters)
    kept = {_place(c): c for _, c in next(fitting, choices[0])}
    for c in (c for read in reads for c in read.chosen if _place(c) not in kept):
        if len(kept) < settings.sentences and _length([*kept.values(), c]) <= settings.characters:
            kept[_place(c)] = c
    part = {_place(c): i for i, r in reversed([*enumerate(reads)]) for c in (*r.promising, *r.chosen)}
    return sorted(kept.values(), key=lambda c: (part[_place(c)], *_place(c)))


def _length(sentences: Iterable[Candidate]) -> int:
    return len(" ".join(c.line for c in sentences))


def in_turn(reads: Sequence[Read]) -> tuple[Hit, ...]:
    """The hits read for the parts of a question, the best of each part first."""
    hits = (hit for row in zip_longest(*(read.hits for read in reads)) for hit in row if hit)
    return tuple({(hit.release_id, hit.start): hit for hit in hits}.values())


@dataclass(frozen=True, slots=True)
class Reader:
    """Weights of the models, in the order of SENTENCE_NAMES, ANSWER_NAMES and PASSAGE_NAMES.

    ``margin`` is how far below the best score another sentence may lie to be quoted too; an answer
    less probable than ``threshold`` is better not given.
    """

    scorer: Scorer
    weights: Floats
    answer_weights: Floats
    answer_bias: float
    passage_weights: Floats
    margin: float
    threshold: float

    @classmethod
    def load(cls, settings: Reading = Reading()) -> Reader:  # noqa: B008 (frozen)
        """The reader that the settings name. Raises ModelError where it cannot be used."""
        from .network import HuggingFaceScorer, packaged  # seconds

        scorer = packaged() if settings.reader == READER else HuggingFaceScorer(settings.reader)
        try:
            path = Path(settings.fitted) if settings.fitted else files("qa").joinpath("reader.json")
            return cls.of(json.loads(path.read_text("utf-8")), scorer)
        except (OSError, ValueError, LookupError, TypeError) as exc:
            raise ModelError(
                f"{settings.fitted}: not what `python -m evals.fit_reader` writes ({exc!r})"
            ) from exc

    @classmethod
    def of(cls, values: Mapping[str, Any], scorer: Scorer) -> Reader:
        """The reader that ``values`` describe."""
        return cls(
            scorer,
            np.array([values["weights"][name] for name in SENTENCE_NAMES]),
            np.array([values["answer_weights"][name] for name in ANSWER_NAMES]),
            values["answer_bias"],
            np.array([values["passage_weights"][name] for name in PASSAGE_NAMES]),
            values["margin"],
            values["threshold"],
        )

    def read(self, query: Query, hits: Sequence[Hit], settings: Reading) -> Read:
        """What the hits answer; sentences are chosen even where they are not probable."""
        read = passages(query.asked, hits[: settings.passages], self.scorer)
        if not read:
            return Read(hits=tuple(hits))
        found = [c for passage in read for c in passage.sentences]
        features = sentence_features(query, read)
        scores = long_last(found, features @ self.weights, settings)
        best = np.argsort(-scores, kind="stable")[: settings.sentences]
        told = answer_features(query, found, features, scores)
        logit = float(told @ self.answer_weights) + self.answer_bias
        probability = float(1 / (1 + np.exp(-logit)))
        chosen = choose(found, scores, self.margin, settings)
        if wants_list(query.text):
            chosen = itemised(chosen, found, settings.characters)
        chosen = introduced(chosen, found, settings)
        first = found[int(best[0])]  # in others, what is asked for is a guess
        chosen = [c if _same(c, first) else replace(c, answer=None) for c in chosen]
        return Read(
            tuple(chosen),
            tuple(found[int(i)] for i in best),
            probability,
            self._ranked(hits, read),
        )

    def scores(self, question: str, hits: Sequence[Hit]) -> Floats:
        """How well each hit answers, for a second look at what a search found (``Reranker``)."""
        found = np.full(len(hits), -np.inf)
        for passage in passages(question, hits, self.scorer):
            found[passage.rank] = passage.features() @ self.passage_weights
        return found

    def _ranked(self, hits: Sequence[Hit], read: Sequence[Passage]) -> tuple[Hit, ...]:
        """The hits, those that were read first and best first."""
        best = sorted(read, key=lambda passage: -float(passage.features() @ self.passage_weights))
        order = dict.fromkeys([*(passage.rank for passage in best), *range(len(hits))])
        return tuple(hits[i] for i in order)


@dataclass(frozen=True, slots=True)
class Passage:
    """A hit that was read: its sentences, with the spans that answer, and the network's score of each."""

    hit: Hit
    sentences: tuple[Candidate, ...]
    read: Floats

    @property
    def rank(self) -> int:
        """The place of the hit, from 0, among those given."""
        return self.sentences[0].rank

    def features(self) -> Floats:
        """In the order of PASSAGE_NAMES."""
        odds = np.log(max(self.hit.score, FLOOR))
        return np.array([odds, np.logaddexp.reduce(self.read), self.read.max()])


def passages(question: str, hits: Sequence[Hit], scorer: Scorer) -> list[Passage]:
    """The hits that hold a sentence, read."""
    groups = [list(group) for _, group in groupby(candidates(hits), key=lambda c: c.rank)]
    readings = scorer.read(question, [text_of(group[0].hit, group) for group in groups]) if groups else []
    found = []
    for group, reading in zip(groups, readings, strict=True):
        hit = group[0].hit
        spans = ((hit.start + start, hit.start + end) for start, end in reading.spans)
        sentences = (replace(c, answer=span) for c, span in zip(group, spans, strict=True))
        found.append(Passage(hit, tuple(sentences), reading.sentences))
    return found


def heading(title: str, date: dt.date | None, section: str) -> str:
    """What the network is told of a passage beside its text."""
    day = f"{date.day} {date:%B %Y}" if date else ""
    return f"{day} {'' if section == 'body' else section}: {' '.join(title.split())}"


def text_of(hit: Hit, sentences: Sequence[Candidate]) -> Text:
    """A hit as it is read; ``sentences`` are its own."""
    spans = tuple((c.start - hit.start, c.end - hit.start) for c in sentences)
    return Text(hit.quote, heading(hit.title, hit.date, hit.section), spans)


def sentence_features(query: Query, read: Sequence[Passage]) -> Floats:
    """The features of all sentences, shape (sentences, len(SENTENCE_NAMES))."""
    found = [c for passage in read for c in passage.sentences]
    counts = [len(passage.sentences) for passage in read]
    odds, together, _ = np.repeat([passage.features() for passage in read], counts, axis=0).T
    scores = np.concatenate([passage.read for passage in read])
    return np.column_stack([scores, together, odds, matrix(query, found)])


def long_last(found: Sequence[Candidate], scores: Floats, settings: Reading) -> Floats:
    """The scores; those of sentences beyond the limit of an answer behind all others.

    What runs on like that is seldom a sentence.
    """
    longer = np.array([len(c.text) > settings.characters for c in found])
    if longer.all():
        return scores
    return np.where(longer, scores[~longer].min() - 10.0, scores)


def choose(
    found: Sequence[Candidate], scores: Floats, margin: float, settings: Reading
) -> list[Candidate]:
    """The best sentence and others of its release within ``margin`` of it, in the text's order.

    As far as the settings' limits allow; a sentence that a release repeats is given once.
    """
    order = np.argsort(-scores, kind="stable")
    best = found[int(order[0])]
    chosen: list[Candidate] = []
    for c in (found[int(i)] for i in order if scores[i] >= scores[order[0]] - margin):
        fits = _length([*chosen, c]) <= settings.characters or not chosen
        new = c.hit.release_id == best.hit.release_id and c.line not in {o.line for o in chosen}
        if new and fits and len(chosen) < settings.sentences:
            chosen.append(c)
    return sorted(chosen, key=lambda c: c.start)


def itemised(chosen: Sequence[Candidate], found: Sequence[Candidate], limit: int) -> list[Candidate]:
    """The sentences chosen; where one is an item of a list, with the items around it.

    The nearest first, as far as ``limit`` code points allow; ``found`` are all sentences read.
    """
    out = list(chosen)
    for c in filter(is_item, chosen):
        own = sorted((o for o in found if o.hit == c.hit), key=lambda o: o.start)
        at = next(i for i, o in enumerate(own) if _same(o, c))
        first = last = at
        while first and _next_item(own[first - 1], own[first]):
            first -= 1
        while last + 1 < len(own) and _next_item(own[last], own[last + 1]):
            last += 1
        for other in sorted(own[first : last + 1], key=lambda o: abs(own.index(o) - at)):
            if not any(_same(other, o) for o in out) and _length([*out, other]) <= limit:
                out.append(other)
    return sorted(out, key=lambda c: c.start) if len(out) > len(chosen) else out


def _next_item(one: Candidate, other: Candidate) -> bool:
    return is_item(one) and is_item(other) and other.start - one.end <= BETWEEN


def introduced(
    chosen: Sequence[Candidate], found: Sequence[Candidate], settings: Reading
) -> list[Candidate]:
    """The sentences chosen, and before one that opens with a pronoun the one that it points back to.

    As far as ``found`` has it and the settings' limits allow.
    """
    out = list(chosen)
    for c in chosen:
        before = next((other for other in found if _follows(c, other)), None)
        if before and _POINTS_BACK.match(c.text) and not any(_same(before, other) for other in out):
            longer = sorted([*out, before], key=lambda c: c.start)
            if _length(longer) <= settings.characters and len(longer) <= settings.sentences:
                out = longer
    return out


def _follows(c: Candidate, other: Candidate) -> bool:
    return other.hit.release_id == c.hit.release_id and 0 <= c.start - other.end <= GAP


def _same(one: Candidate, other: Candidate) -> bool:
    return _place(one) == _place(other)


def _place(c: Candidate) -> tuple[str, int]:
    return c.hit.release_id, c.start


def answer_features(query: Query, found: Sequence[Candidate], features: Floats, scores: Floats) -> Floats:
    """The inputs of the second model for one question, in the order of ANSWER_NAMES."""
    best = int(np.argmax(scores))
    rest = np.delete(scores, best)
    lead = float(scores[best] - rest.max()) if len(rest) else 5.0
    share = np.exp(scores - scores[best])
    share /= share.sum()
    same = np.array([c.hit.release_id == found[best].hit.release_id for c in found])
    odds = np.array([np.logaddexp.reduce(features[:, 0]), features[best, 0]])
    (any_, read), (any_share, read_share) = odds, 1 / (1 + np.exp(-odds))
    unknown = len(query.unknown) / max(query.named, 1)
    year, found_odds = (features[best, SENTENCE_NAMES.index(name)] for name in ("year", "odds"))
    return np.array([
        any_, any_share, read, read_share, min(lead, 5.0), share[best], share[same].sum(), unknown, year,
        found_odds,
    ])  # fmt: skip
