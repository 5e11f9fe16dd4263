"""Trains the reader.

    python -m evals.training.train WORK --name NAME [--start FILE] --epochs N QUESTIONS=INDEX ...

The candidates of one question are normalised together: the loss is the cross entropy of its gold
sentences against all others and silence, and of the tokens where the accepted string begins and ends.
``WORK`` keeps the examples, a checkpoint every few minutes (the same command goes on from it), a log of
losses, and at last NAME.safetensors. ``--check QUESTIONS=INDEX`` measures on questions that are not
trained on: of a set that is, on those held out. ``--epochs 0`` only measures what is
started from. Of several files to ``--start`` from, the mean is taken (Wortsman et al. 2022: one network
as good as several). ``--out`` writes the weights packed, as ``qa/reader.safetensors`` is.
"""

from __future__ import annotations

import argparse
import copy
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from transformers import BertModel

from index.embed import cores, packaged_folder
from qa.network import CONFIG, Network

from .examples import GOLD, Example, Passage, cached, has_gold, is_held, masked, pairs, sampled, shuffled

PEAK = 5e-5  # learning rate, after a tenth of the steps, falling to 0 linearly
QUESTIONS = 4  # a step
PASSAGES = 6  # a question and epoch
SPAN = 0.25  # weight of the loss of span beside that of sentences
CHECKED = 150  # questions of a set, at most
SAVE = 240  # seconds between checkpoints


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: ``passages`` of a question an epoch; ``shared``: normalised together, or alone;
    ``dropout``, and ``masked`` tokens of passages, as shares.
    """

    epochs: int
    rate: float
    seed: int
    passages: int
    shared: bool
    dropout: float = 0.0
    masked: float = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """Of questions not trained on: gold sentence and gold passage first, of the answerable; and the area
    under the curve of answerable against not, by the best sentence.
    """

    questions: int
    answerable_questions: int
    sentence: float
    passage: float
    auc: float


class Dropout(torch.nn.Module):
    """As of torch, but by a generator of the thread's own, so that a run with threads can be repeated."""

    generators = threading.local()

    def __init__(self, share: float) -> None:
        super().__init__()
        self._kept = 1 - share

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        kept = torch.empty(values.shape, dtype=torch.float32)
        kept.uniform_(generator=self.generators.own)
        return values * ((kept < self._kept) / self._kept).to(values.dtype)


def drop(network: Network, share: float) -> None:
    """Put dropout on the word vectors and on what each layer's halves add."""
    for name in [n for n, _ in network.named_modules()]:
        if name.endswith(("output.dropout", "embeddings.dropout")):
            parent, _, last = name.rpartition(".")
            setattr(network.get_submodule(parent), last, Dropout(share))


def fresh() -> Network:
    """A network with the encoder of the packaged embedding model and new heads."""
    folder = packaged_folder()
    network = Network(CONFIG)
    known = BertModel.from_pretrained(folder, add_pooling_layer=False)
    network.encoder.load_state_dict(known.state_dict())
    return network


def averaged(networks: Sequence[Network]) -> Network:
    """The first of them, with the mean weights of all."""
    weights = [network.state_dict() for network in networks]
    mean = {name: torch.stack([w[name] for w in weights]).mean(0) for name in weights[0]}
    networks[0].load_state_dict(mean)
    return networks[0]


def loss_of(network: Network, examples: Sequence[Example], shared: bool = True) -> torch.Tensor:
    """The mean loss of questions; ``shared``: passages of one normalised together, else each alone."""
    found = iter(network([p.encoded for e in examples for p in e.passages]))
    total = torch.zeros(())
    for example in examples:
        read = [next(found) for _ in example.passages]
        parts = [read] if shared else [[one] for one in read]
        passages = [example.passages] if shared else [[p] for p in example.passages]
        for part, of in zip(parts, passages, strict=True):
            total = total + _loss(part, of) / len(parts)
    return total / len(examples)


def _loss(read: Sequence[tuple[torch.Tensor, torch.Tensor]], passages: Sequence[Passage]) -> torch.Tensor:
    labels = torch.from_numpy(np.concatenate([p.labels for p in passages]))
    total = _sentence_loss(torch.cat([scores for scores, _ in read]), labels)
    starts = np.cumsum([0, *(len(tokens) for _, tokens in read)])
    at = [[starts[i] + place for place in p.span] for i, p in enumerate(passages) if p.span[0] >= 0]
    if at:
        odds = torch.cat([tokens for _, tokens in read]).log_softmax(0)
        total = total - SPAN * sum(odds[[a[end] for a in at], end].logsumexp(0) for end in (0, 1))
    return total


def _sentence_loss(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    silence = scores.new_zeros(1)
    others = torch.cat([scores[labels == 0], silence]).logsumexp(0)
    gold = scores[labels == GOLD]
    if not len(gold):
        return others
    return (torch.logaddexp(gold, others) - gold).mean()


def train(network: Network, data: Sequence[Example], plan: Plan, work: Path, name: str) -> None:
    """Train in place; goes on from a checkpoint of that name in ``work``.

    Forward and backward run in bfloat16 on a copy, a thread a core, each with its share of a step's
    questions; the weights themselves stay float32. The word vectors are not trained.
    """
    torch.manual_seed(plan.seed)
    network.encoder.embeddings.word_embeddings.requires_grad_(False)
    trained = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
    weights = [p for _, p in trained]
    plain = ("bias", "LayerNorm.weight")
    groups = [
        {"params": [p for n, p in trained if not n.endswith(plain)], "weight_decay": 0.01},
        {"params": [p for n, p in trained if n.endswith(plain)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate)
    every = len(data) // QUESTIONS
    steps = plan.epochs * every
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(s / (0.1 * steps + 1), (steps - s) / (0.9 * steps))
    )
    checkpoint = work / f"{name}.checkpoint"
    done = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        done = state["done"]
    half = copy.deepcopy(network).to(torch.bfloat16).train()
    half.encoder.set_attn_implementation("eager")  # its backward pass is the faster one on a CPU
    if plan.dropout:
        drop(half, plan.dropout)
    copies = [p for p in half.parameters() if p.requires_grad]

    def gradients(part: Sequence[Example], seed: int) -> tuple[float, Sequence[torch.Tensor | None]]:
        Dropout.generators.own = torch.Generator().manual_seed(seed)
        value = loss_of(half, part, plan.shared) * len(part) / QUESTIONS
        return float(value.detach()), torch.autograd.grad(value, copies, allow_unused=True)

    workers = min(cores(), QUESTIONS)
    saved = began = time.monotonic()
    recent: list[float] = []
    with (
        (work / f"{name}.log.jsonl").open("a") as log,
        ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        for at in range(done, steps):
            if at == done or at % every == 0:
                order = np.random.default_rng([plan.seed, at // every]).permutation(len(data))
            first = at % every * QUESTIONS
            generator = np.random.default_rng([plan.seed, at])
            chosen = [
                masked(sampled(data[i], plan.passages, generator), plan.masked, generator)
                for i in order[first : first + QUESTIONS]
            ]
            seeds = generator.integers(2**62, size=workers).tolist()
            found = list(pool.map(gradients, (chosen[k::workers] for k in range(workers)), seeds))
            recent.append(sum(value for value, _ in found))
            for i, weight in enumerate(weights):
                parts = [g.float() for _, all_ in found if (g := all_[i]) is not None]
                weight.grad = torch.stack(parts).sum(0) if parts else None
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for mine, weight in zip(copies, weights, strict=True):
                    mine.copy_(weight)
            if (at + 1) % 25 == 0:
                pace = (time.monotonic() - began) / (at + 1 - done)
                row = {"step": at + 1, "of": steps, "loss": round(float(np.mean(recent)), 4)}
                log.write(json.dumps(row) + "\n")
                log.flush()
                recent = []
                print(f"{name} step {at + 1} of {steps}  loss {row['loss']}  "
                      f"{pace * (steps - at - 1) / 60:.0f} min left", flush=True)  # fmt: skip
            if time.monotonic() - saved > SAVE:
                saved = time.monotonic()
                state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(),
                         "schedule": schedule.state_dict(), "done": at + 1}  # fmt: skip
                torch.save(state, checkpoint.with_suffix(".part"))
                checkpoint.with_suffix(".part").replace(checkpoint)
    network.save(work / f"{name}.safetensors")
    checkpoint.unlink(missing_ok=True)


def predictions(network: Network, data: Sequence[Example]) -> list[list[np.ndarray]]:
    """For each example the scores of its passages' sentences."""
    network.eval()
    out = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for example in data:
            out.append([s.numpy() for s, _ in network([p.encoded for p in example.passages])])
    return out


def check(network: Network, data: Sequence[Example]) -> Checked:
    sentence, passage, best, answerable = [], [], [], []
    for example, found in zip(data, predictions(network, data), strict=True):
        n = len(found) - example.missed  # as in use
        found, passages = found[:n], example.passages[:n]
        scores = np.concatenate(found)
        labels = np.concatenate([p.labels for p in passages])
        best.append(scores.max())
        answerable.append(example.answerable)
        if example.answerable:
            sentence.append(labels[scores.argmax()] == GOLD)
            first = int(np.argmax([np.logaddexp.reduce(s) for s in found]))
            passage.append((passages[first].labels == GOLD).any())
    both = 0 < sum(answerable) < len(answerable)
    return Checked(
        len(data), len(sentence), round(float(np.mean(sentence)), 3), round(float(np.mean(passage)), 3),
        round(float(roc_auc_score(answerable, best)), 3) if both else 0.0,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("sets", nargs="*", metavar="QUESTIONS=INDEX")
    parser.add_argument("--name", required=True)
    parser.add_argument("--start", type=Path, nargs="+", help="weights to start from, or their mean")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=PEAK)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=0, help="questions of all sets together at most")
    parser.add_argument("--each", action="store_true", help="normalise each passage on its own")
    parser.add_argument("--passages", type=int, default=PASSAGES)
    parser.add_argument("--dropout", type=float, default=0.0, help="share of values")
    parser.add_argument("--masked", type=float, default=0.0, help="share of the passages' tokens")
    parser.add_argument("--out", type=Path, help="where to write the weights as a package has them")
    parser.add_argument("--check", nargs="*", default=[], metavar="QUESTIONS=INDEX")
    args = parser.parse_intermixed_args()  # sets may stand behind options
    args.work.mkdir(parents=True, exist_ok=True)
    sets = pairs(args.sets)
    data = [e for pair in sets for e in cached(*pair, args.work)]
    data = [e for e in data if not is_held(e.release) and (not e.answerable or has_gold(e))]
    most = (args.most or len(data)) if args.epochs else 0
    data = list(shuffled(data, 99))[:most]
    torch.manual_seed(args.seed)
    network = averaged([Network.load(path) for path in args.start]) if args.start else fresh()
    print(f"{len(data)} questions, {sum(e.answerable for e in data)} answerable", flush=True)
    plan = Plan(
        args.epochs, args.rate, args.seed, args.passages, not args.each, args.dropout, args.masked
    )
    if plan.epochs:
        train(network, data, plan, args.work, args.name)
    else:
        network.save(args.work / f"{args.name}.safetensors")
    if args.out:
        network.save(args.out, packed=True)
    checked: dict[str, dict[str, Any]] = {}
    for questions, index in pairs(args.check):
        among = cached(questions, index, args.work)
        held = [e for e in among if is_held(e.release) or (questions, index) not in sets]
        checked[questions.stem] = asdict(check(network, list(shuffled(held, 99))[:CHECKED]))
        print(questions.stem, checked[questions.stem], flush=True)
    report = {"name": args.name, "questions": len(data), **asdict(plan), "checked": checked}
    (args.work / f"{args.name}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
