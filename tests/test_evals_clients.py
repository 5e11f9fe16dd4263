"""Many clients over the real app: each gets what it asked for."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

import app
from evals.benchmarks import clients
from index import sync
from index.embed import SentenceTransformerEmbedder
from qa import ReleaseQA
from qa.settings import Settings

DEMO = Path(__file__).parents[1] / "evals" / "releases"
QUESTIONS = (
    "Who leads Allogene Therapeutics?",
    "What does THANK-uCAR do to NK cells?",
    "How many people is Caribou letting go?",
    "What did CARsgen raise when it was listed in Hong Kong?",
    "How much did AUCATZYL sell in 2025?",
    "What is CARVYKTI made for?",
    "Where is the plant of CARsgen in the United States?",
    "What will the weather be?",
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clients") / "demo.index"
    name = Settings().embedder
    sync.index_path(
        folder, DEMO, name, lambda number_type: SentenceTransformerEmbedder(name, number_type)
    )
    return folder


def test_sixteen_clients_get_the_answers_of_one(index: Path) -> None:
    with ReleaseQA.open(index) as qa:
        answers = [qa.ask(question) for question in QUESTIONS]
    assert len({answer.text for answer in answers}) > len(QUESTIONS) // 2
    with clients.serving(index) as client:
        alone = clients.run(client, QUESTIONS, 1)
        many = clients.run(client, QUESTIONS * 4, 16)
    for answer, shown, question in zip(answers * 4, many.shown, QUESTIONS * 4, strict=True):
        assert f'<p class="rq-question">{html.escape(question)}</p>' in shown
        expected = app.sentences_html(answer, 0) if answer.sentences else 'class="rq-missing"'
        assert expected in shown
        assert shown.count('class="rq-exchange"') == 1
    assert many.differing(clients.Run(16, alone.shown * 4, (), 1.0)) == 0
    assert many.rate > 0


def test_what_a_run_tells() -> None:
    run = clients.Run(2, ("a 0.10 s", "b", "c 0.30 s", "d"), (0.1, 0.4, 0.3, 0.2), 0.5)
    assert (run.rate, run.p95) == (8.0, 0.4)
    assert clients.Run(1, ("",) * 100, tuple(float(n) for n in range(1, 101)), 1.0).p95 == 95.0
    assert run.differing(clients.Run(1, ("a 0.22 s", "x", "c 0.30 s", "y"), (), 1.0)) == 2


def test_an_index_that_is_not_there_ends_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, clients.serving(tmp_path / "none"):
        pass
    assert ended.value.code == 1
    assert "there is no index here" in capfd.readouterr().err
