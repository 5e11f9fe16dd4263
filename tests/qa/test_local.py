"""The packaged model in its own process: real answers over HTTP, and what a crash does not take down."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.errors import ModelError
from qa import local
from qa.errors import ModelFailed
from qa.local import LocalServer, context_length, model_file, packaged_model, threads
from qa.models import LanguageModel, Message, Stream, estimate_tokens, open_model

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "models" / local.PACKAGED
real = pytest.mark.skipif(
    not WEIGHTS.exists() or importlib.util.find_spec("xllamacpp") is None,
    reason="the local model is not there (make local-model)",
)
HELLO = [Message("user", "Say hello.")]
STORY = [Message("user", "Write a very long story about a dog.")]


@pytest.fixture(scope="module")
def model() -> Iterator[LanguageModel]:
    with open_model("local", seconds=60.0) as opened:
        yield opened


def server_of(model: LanguageModel) -> LocalServer:
    server: LocalServer = model._provider._server  # type: ignore[attr-defined]
    return server


def busy(model: LanguageModel) -> int:
    """How many answers its server is writing."""
    address = server_of(model).address()
    request = urllib.request.Request(
        f"{address.url}/slots", headers={"Authorization": f"Bearer {address.key}"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        return sum(slot["is_processing"] for slot in json.load(response))


def wait_until(true: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(true())


def read(stream: Stream) -> str:
    return "".join(stream)


@real
def test_it_answers_in_pieces(model: LanguageModel) -> None:
    stream = model.stream(HELLO, 40)
    pieces = list(stream)
    assert len(pieces) > 5
    assert "hello" in "".join(pieces).lower()
    assert stream.finish == "stop"
    assert stream.usage["prompt_tokens"] > 20
    assert 0 <= stream.usage["completion_tokens"] - len(pieces) <= 3
    assert read(model.stream(HELLO, 40)) == "".join(pieces)


@real
def test_an_answer_has_as_many_tokens_as_were_allowed(model: LanguageModel) -> None:
    stream = model.stream(STORY, 8)
    read(stream)
    assert (stream.finish, stream.usage["completion_tokens"]) == ("length", 8)


@real
def test_its_window_and_tokens_are_known(model: LanguageModel) -> None:
    assert model.context_window == 4096
    assert context_length(WEIGHTS) == 8192
    assert model.count_tokens("Hello world 2020") == 7  # its digits are tokens, and so is the space
    assert model.count_tokens("") == 0


@real
def test_estimates_are_not_too_low(model: LanguageModel) -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "evals/releases").glob("*.md"))[:10]
    ]
    texts += [
        "$1,234.56 (2020) | 12.5% | 7",
        "\u201cquoted\u201d \u2014 caf\u00e9 \u00b5g",
        "\u6f22\u5b57" * 9,
    ]
    for text in texts:
        exact = model.count_tokens(text)
        assert exact <= estimate_tokens(text) <= 3 * exact


@real
def test_a_question_that_is_too_long_is_named(model: LanguageModel) -> None:
    with pytest.raises(ModelError) as caught:
        read(model.stream([Message("user", "hello " * 9000)], 10))
    assert type(caught.value) is ModelError
    assert str(caught.value).startswith(
        "the request is longer than local can read (400: request (9031 tokens)"
    )


@real
def test_cancelling_makes_it_idle(model: LanguageModel) -> None:
    stream = model.stream(STORY, 3000)
    next(stream)
    assert busy(model) == 1
    stream.close()
    assert wait_until(lambda: busy(model) == 0, 5)


@real
def test_two_are_answered_at_once(model: LanguageModel) -> None:
    first, second = model.stream(STORY, 200), model.stream(STORY, 200)
    next(first), next(second)
    assert busy(model) == 2
    for stream in (first, second):
        stream.close()


@real
def test_the_openai_path_reaches_it(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    address = server_of(model).address()
    spec = f"openai:any@{address.url}/v1"
    monkeypatch.setenv("OPENAI_API_KEY", address.key)
    with open_model(spec) as hosted:
        assert read(hosted.stream(HELLO, 20)) == read(model.stream(HELLO, 20))
        assert hosted.context_window == 4096
        assert hosted.count_tokens("Hello world 2020") == 7
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with open_model(spec) as hosted, pytest.raises(ModelError) as caught:
        read(hosted.stream(HELLO, 20))
    assert str(caught.value) == (
        f"{spec} refused the key (401: Invalid API Key); set OPENAI_API_KEY to a valid one"
    )


@real
def test_its_key_is_in_no_command_line(model: LanguageModel) -> None:
    server = server_of(model)
    key = server.address().key
    for name in ("cmdline", "environ"):
        assert key.encode() not in Path(f"/proc/{server.pid}/{name}").read_bytes()
    assert repr(model) == "LanguageModel('local')"


@real
def test_one_server_serves_all_who_open_it(model: LanguageModel) -> None:
    server = server_of(model)
    pid = server.address() and server.pid
    with open_model(f"local:{WEIGHTS}") as other:
        assert server_of(other) is server
        assert read(other.stream(HELLO, 5))
    assert server.pid == pid
    assert read(model.stream(HELLO, 5))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LanguageModel]:
    """A model whose server nobody else uses."""
    link = tmp_path / "own.gguf"
    link.symlink_to(WEIGHTS)
    with open_model(f"local:{link}", seconds=60.0) as opened:
        yield opened


@real
def test_a_killed_model_fails_its_answer_and_comes_back(own: LanguageModel) -> None:
    stream = own.stream(STORY, 3000)
    next(stream)
    os.kill(server_of(own).pid or 0, signal.SIGKILL)
    with pytest.raises(ModelFailed) as caught:
        read(stream)
    assert str(caught.value) == "the model's process was killed (out of memory?); ask again"
    assert read(own.stream(HELLO, 5))
    for _ in range(2):
        server = server_of(own)
        server.address()
        os.kill(server.pid or 0, signal.SIGKILL)
        assert wait_until(lambda: server.death(0))  # noqa: B023  (used at once)
    with pytest.raises(ModelFailed) as caught:
        read(own.stream(HELLO, 5))
    assert str(caught.value) == (
        "the model's process was killed (out of memory?), 3 times in 5 minutes; "
        "use a smaller model, or ask again later"
    )


@real
def test_it_is_known_to_be_small_before_it_was_asked(own: LanguageModel) -> None:
    assert own.small


@real
def test_closing_ends_the_process(own: LanguageModel) -> None:
    assert read(own.stream(HELLO, 5))
    pid = server_of(own).pid
    own.close()
    assert not Path(f"/proc/{pid}").exists()


@real
def test_the_process_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "from qa.models import *\n"
        "model = open_model('local'); stream = model.stream([Message('user', 'Tell a story.')], 2000)\n"
        "next(stream); print(model._provider._server.pid, flush=True); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
    state = Path(f"/proc/{pid}/stat")
    assert wait_until(lambda: not state.exists() or state.read_text().split()[2] == "Z", 5)


@real
def test_a_broken_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(WEIGHTS.read_bytes()[:2_000_000])
    with open_model(f"local:{broken}") as model, pytest.raises(ModelError) as caught:
        read(model.stream(HELLO, 5))
    assert str(caught.value).startswith(f"cannot load {broken}: RuntimeError: ")
    assert str(caught.value).endswith("; name a whole GGUF file")


@real
def test_a_model_that_does_not_load_in_time_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "START_SECONDS", 0.001)
    server = LocalServer(WEIGHTS)
    with pytest.raises(ModelFailed) as caught:
        server.address()
    assert str(caught.value) == f"{WEIGHTS} did not load within 0 s; use a smaller model"
    assert server.pid is None


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGML....")
    for path, text in (
        (other, f"{other} is not a GGUF file; convert it, or name one that is"),
        (tmp_path / "no", f"cannot read {tmp_path}/no: No such file or directory; name a GGUF file"),
        (tmp_path, f"cannot read {tmp_path}: Is a directory; name a GGUF file"),
    ):  # fmt: skip
        with pytest.raises(ModelError) as caught:
            model_file(path)
        assert str(caught.value) == text


def test_weights_that_are_missing_or_altered_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / local.PACKAGED).write_bytes(b"GGUF")
    with pytest.raises(ModelError) as caught:
        packaged_model()
    assert str(caught.value) == (
        f"{folder / local.PACKAGED} is not the published file; delete it and run `make local-model`"
    )
    (folder / local.PACKAGED).unlink()
    monkeypatch.setattr(local, "__file__", str(tmp_path / "qa" / "local.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as caught:
        packaged_model()
    assert str(caught.value) == "the local model is not there; run `make local-model`"


def test_threads_are_few_and_some() -> None:
    assert 1 <= threads() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("content", [b"GGUF", b"GGUF" + b"\xff" * 60, b"GGUF" + bytes(60)])
def test_a_file_that_says_no_length_has_none(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(content)
    assert context_length(file) is None
