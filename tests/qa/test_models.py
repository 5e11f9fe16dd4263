"""Language models over HTTP: good answers, every fault a server can have, and no key anywhere."""

from __future__ import annotations

import email.utils
import gc
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model_servers import (
    DONE,
    ModelServer,
    Reply,
    answer,
    chunk,
    endless,
    event,
    events,
    failing,
    ollama_answer,
)

from index.errors import ModelError
from qa import calls
from qa.errors import ModelFailed
from qa.models import LanguageModel, Message, estimate_tokens, open_model
from qa.packages import FORMS
from qa.usable import ModelStatus, usable

pytest.importorskip("llama_index.llms.openai_like")

HI = [Message("user", "Hi.")]
KEY = "sk-test-4f9a1c77e2"
NAMED = "is no language model; name one of: " + FORMS + " (or extractive, for none)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between retries, and no settings of whoever runs the tests."""
    monkeypatch.setattr(calls, "BACKOFF", 0.001)
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OLLAMA_HOST",
        "OLLAMA_API_KEY",
        "ANTHROPIC_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)


def opened(server: ModelServer, **more: Any) -> LanguageModel:
    return open_model(f"openai:fake@{server.url}/v1", **more)


def ask(server: ModelServer, max_tokens: int = 50, **more: Any) -> str:
    with opened(server, **more) as model, model.stream(HI, max_tokens) as stream:
        return "".join(stream)


def test_an_answer_comes_in_pieces_with_its_usage() -> None:
    messages = [Message("system", "Be brief."), Message("user", "Hi."), Message("assistant", "Yes?")]
    with ModelServer(answer("Hello there, friend.")) as server, opened(server) as model:
        stream = model.stream(messages, 50)
        assert list(stream) == ["Hello ", "there, ", "friend."]
    assert stream.usage == {"prompt_tokens": 10, "completion_tokens": 3}
    assert stream.finish == "stop"
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.body == {
        "model": "fake", "max_tokens": 50, "temperature": 0.0, "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": "Yes?"},
        ],
    }  # fmt: skip


def test_nothing_is_asked_before_there_is_a_question() -> None:
    with ModelServer(answer("x")) as server:
        opened(server).close()
        assert server.requests == []


FAULTS: dict[str, tuple[Reply, type[ModelError], str, int]] = {
    "401": (
        failing(401, "no"), ModelError,
        "{name} wants a key (401: no); set OPENAI_API_KEY to a valid one", 1,
    ),
    "403": (
        failing(403, "not here"), ModelError,
        "{name} does not let you in (403: not here); check what the key in OPENAI_API_KEY may use", 1,
    ),
    "404": (
        failing(404, "no model fake"), ModelError,
        "{name} is not there (404: no model fake); check the model's name and the address {host}", 1,
    ),
    "301": (failing(301), ModelError, "{name} has moved (301); correct the address {host}", 1),
    "400": (
        failing(400, "bad top_k"), ModelError,
        "{name} refused the request (400: bad top_k); check the model's name and the address", 1,
    ),
    "too long": (
        failing(400, "maximum context length is 10"), ModelError,
        "the request is longer than {name} can read (400: maximum context length is 10); "
        "ask with fewer passages, or use a model with a longer context", 1,
    ),
    "429 for ever": (
        failing(429, "slow", retry_after="0"), ModelFailed,
        "{name} is busy, or its quota is used up (429: slow); ask again later", 4,
    ),
    "429, wait long": (
        failing(429, retry_after="120"), ModelFailed,
        "{name} is busy and asks to wait 120 s (429); ask again then", 1,
    ),
    "500 for ever": (failing(500), ModelFailed, "{name} failed (500: it failed); ask again later", 4),
    "a page as error": (
        Reply(lambda: [b"<html><p>oops"], 503, "text/html"), ModelFailed,
        "{name} failed (503); ask again later", 4,
    ),
    "a page": (
        Reply(lambda: [b"<html><p>hi"], type="text/html"), ModelError,
        "{host} answers with a web page, not as a language model; "
        "correct the address (it often ends in /v1)", 1,
    ),
    "nothing": (
        events(), ModelFailed, "{name} broke off in the middle of its answer; ask again", 4,
    ),
    "no answer": (
        events(event("[1, 2]")), ModelFailed,
        "{name} sent what is no answer (AttributeError); "
        "ask again, and check the address if it stays so", 1,
    ),
    "an error in the stream": (
        events(event(json.dumps({"error": {"message": "no memory", "code": 500}}))), ModelFailed,
        "{name} failed (500: no memory); ask again later", 4,
    ),
    "endless bytes": (
        endless(b"x" * 65536), ModelFailed,
        "{name} sent far more than an answer; ask again, or use another model", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_in_one_line(fault: str) -> None:
    reply, kind, text, requests = FAULTS[fault]
    with ModelServer(reply) as server, pytest.raises(ModelError) as caught:
        ask(server)
    name = f"openai:fake@{server.url}/v1"
    assert str(caught.value) == text.format(name=name, host=server.host)
    assert type(caught.value) is kind
    assert caught.value.__context__ is None and caught.value.__cause__ is None
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (events(chunk("Hel"), chunk("lo")), "broke off in the middle of its answer; ask again"),
        (events(chunk("Hello"), whole=False), "broke off in the middle of its answer; ask again"),
        (events(chunk("Hello"), chunked=False), "broke off in the middle of its answer; ask again"),
        (
            events(chunk("Hello"), event('{"choices": [')),
            "sent what is no answer (JSONDecodeError); ask again, and check the address if it stays so",
        ),
        (
            events(chunk("Hello"), b"data: \xff\xfe\n\n"),
            "sent what is no answer (UnicodeDecodeError); "
            "ask again, and check the address if it stays so",
        ),
    ],
    ids=["cut", "cut chunk", "closed", "json", "utf-8"],
)
def test_what_came_before_a_fault_is_delivered_and_not_asked_for_again(end: Reply, text: str) -> None:
    with ModelServer(end) as server, opened(server) as model:
        stream = model.stream(HI, 50)
        got: list[str] = []
        with pytest.raises(ModelFailed) as caught:
            got += stream
        assert "".join(got) == "Hello"
        assert str(caught.value) == f"{model.name} {text}"
        assert stream.finish is None
        assert next(stream, "over") == "over"
    assert len(server.requests) == 1


@pytest.mark.parametrize("first", [failing(500), failing(429, retry_after="0"), failing(408), events()])
def test_a_passing_fault_is_got_over(first: Reply) -> None:
    with ModelServer(first, answer("Hello.")) as server:
        assert ask(server) == "Hello."
        assert len(server.requests) == 2


def test_retries_can_be_switched_off() -> None:
    with ModelServer(failing(500)) as server, pytest.raises(ModelFailed):
        ask(server, retries=0)
    assert len(server.requests) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_wait_that_a_server_asks_for_is_kept(form: str) -> None:
    value = "1" if form == "seconds" else email.utils.formatdate(time.time() + 2, usegmt=True)
    with ModelServer(failing(429, retry_after=value), answer("Hello.")) as server:
        start = time.monotonic()
        assert ask(server) == "Hello."
        assert 0.9 < time.monotonic() - start < 4


def test_no_wait_goes_past_the_deadline() -> None:
    with ModelServer(failing(503, "later", retry_after="20")) as server:
        start = time.monotonic()
        with pytest.raises(ModelFailed, match=r"failed \(503: later\)"):
            ask(server, seconds=8.0)
        assert time.monotonic() - start < 6


@pytest.mark.parametrize(
    "silent",
    [
        events(chunk("late"), DONE, before=9.0),
        events(chunk("a"), 9.0),
        endless(b": keep-alive\n\n", 0.05),
        endless(chunk(""), 0.05),
        endless(chunk(None), 0.05),
    ],
    ids=["before headers", "after a piece", "comments", "empty pieces", "no pieces"],
)
def test_a_call_ends_in_time_whatever_the_server_does(silent: Reply) -> None:
    with ModelServer(silent) as server:
        start = time.monotonic()
        with pytest.raises(ModelFailed) as caught:
            ask(server, seconds=0.5)
        assert time.monotonic() - start < 3
        name = f"openai:fake@{server.url}/v1"
        assert str(caught.value) == f"{name} did not finish within 0.5 s; ask again, or allow more time"
        assert len(server.requests) == 1


def test_a_server_that_does_not_close_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "GRACE", 0.2)
    with ModelServer(events(chunk("Hello."), chunk(finish="stop"), 9.0)) as server:
        start = time.monotonic()
        assert ask(server) == "Hello."
        assert time.monotonic() - start < 2


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing is closed by the garbage collector."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_endless_output_is_cut() -> None:
    with ModelServer(endless(chunk("again "))) as server, opened(server) as model:
        stream = model.stream(HI, 20)
        assert "".join(stream) == ("again " * 60)[: 20 * 16]
        assert stream.finish == "length"
        assert server.cut.wait(5)


def test_no_output_is_no_error() -> None:
    with ModelServer(events(chunk(finish="stop"), DONE)) as server:
        assert ask(server) == ""
    with ModelServer(events(DONE)) as server:
        assert ask(server) == ""


def test_half_characters_are_joined_or_replaced() -> None:
    pieces = ["a \ud83d", "\ude00 b", "\ude00", "\ud83d"]
    with ModelServer(events(*map(chunk, pieces), DONE)) as server:
        assert ask(server) == "a \U0001f600 b\ufffd\ufffd"


def test_a_server_that_does_not_know_usage_is_asked_without() -> None:
    with ModelServer(failing(400, "unknown field stream_options"), answer("Hello.")) as server:
        assert ask(server) == "Hello."
        assert ["stream_options" in request.body for request in server.requests] == [True, False]


@pytest.mark.usefixtures("no_collector")
def test_closing_a_stream_cuts_the_connection() -> None:
    with ModelServer(endless(chunk("again "), 0.02)) as server, opened(server) as model:
        stream = model.stream(HI, 5000)
        assert next(stream) == "again "
        stream.close()
        assert list(stream) == []
        assert server.cut.wait(5)


def test_closing_before_the_first_piece_cuts_the_connection() -> None:
    before = threading.active_count()
    with ModelServer(events(chunk("late"), before=3.0)) as server, opened(server) as model:
        stream = model.stream(HI, 50)
        while not server.requests:
            time.sleep(0.01)
        stream.close()
        start = time.monotonic()
        while any(thread.name == "model" for thread in threading.enumerate()):
            time.sleep(0.01)
        assert time.monotonic() - start < 2
    assert threading.active_count() <= before + 1


def test_a_stream_that_is_let_go_is_cancelled() -> None:
    with ModelServer(endless(chunk("again "), 0.02)) as server, opened(server) as model:
        next(model.stream(HI, 5000))
        gc.collect()
        assert server.cut.wait(5)


def test_closing_a_model_ends_its_streams() -> None:
    with ModelServer(endless(chunk("again "), 0.02)) as server:
        model = opened(server)
        stream = model.stream(HI, 5000)
        next(stream)
        model.close()
        assert list(stream) == []
        with pytest.raises(ModelError, match="is closed; open it again"):
            model.stream(HI, 50)


@pytest.mark.usefixtures("no_collector")
def test_the_collector_has_no_connection_to_close() -> None:
    """It would wait for a lock that the thread in which it runs may hold: seen, once in a while."""
    with ModelServer(endless(chunk("again "), 0.01)) as server, opened(server) as model:
        for rounds in range(3):
            stream = model.stream(HI, 1000 if rounds else 20)
            next(stream)
            stream.close() if rounds else list(stream)
        while any(thread.name == "model" for thread in threading.enumerate()):
            time.sleep(0.01)
        pool = model._provider._http._transport._pool  # type: ignore[attr-defined]
        assert pool.connections == []

        def collect() -> None:
            with pool._optional_thread_lock:
                gc.collect()

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()


def test_a_slow_reader_holds_the_server_back_and_misses_nothing() -> None:
    with ModelServer(answer("word " * 500)) as server, opened(server) as model:
        stream = model.stream(HI, 5000)
        time.sleep(0.3)
        assert "".join(stream) == "word " * 500


def test_one_model_answers_several_threads() -> None:
    with ModelServer(answer("one two three", pause=0.05)) as server, opened(server) as model:
        got: list[str] = []
        threads = [
            threading.Thread(target=lambda: got.append("".join(model.stream(HI, 50)))) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == ["one two three"] * 6


def test_a_server_that_is_not_started_is_named_at_once() -> None:
    with ModelServer(answer("x")) as server:
        pass
    start = time.monotonic()
    with pytest.raises(ModelError) as caught:
        ask(server)
    assert (
        str(caught.value) == f"nothing answers at {server.host}; start the server, or correct the address"
    )
    assert type(caught.value) is ModelError
    assert time.monotonic() - start < 3


def test_another_machine_that_cannot_be_reached_is_named() -> None:
    with (
        open_model("openai:fake@http://192.0.2.1:8000/v1") as model,
        pytest.raises(ModelFailed) as caught,
    ):
        list(model.stream(HI, 50))
    assert str(caught.value).startswith("cannot reach 192.0.2.1:8000 (")
    assert str(caught.value).endswith("); check the address and the network")


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ModelServer(answer("Hello.")) as server:
        assert ask(server) == "Hello."


# --- keys


def everywhere(model: LanguageModel, error: BaseException | None, log: str) -> str:
    return " ".join(map(repr, (model, model.name, str(model), error, str(error), log)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_that_is_echoed_is_not_shown(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    echo = failing(status, f"what is {KEY}? Bearer {KEY}")
    with ModelServer(echo) as server, opened(server) as model:
        with pytest.raises(ModelError) as caught:
            list(model.stream(HI, 50))
        assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    shown = everywhere(model, caught.value, caplog.text)
    assert "what is ***? Bearer ***" in shown
    assert KEY not in shown


def test_an_echo_in_a_stream_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "plain words as key".replace(" ", ""))
    error = {"error": {"message": "plainwordsaskey is wrong"}}
    with ModelServer(events(event(json.dumps(error)))) as server, pytest.raises(ModelFailed) as caught:
        ask(server)
    assert str(caught.value) == (
        f"openai:fake@{server.url}/v1 failed (APIError: *** is wrong); ask again, or use another model"
    )


def test_user_and_password_of_an_address_are_used_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ModelServer(failing(401, "user ann, password s3cr%t")) as server:
        spec = f"openai:fake@http://ann:s3cr%25t@{server.host}/v1"
        with open_model(spec) as model, pytest.raises(ModelError) as caught:
            list(model.stream(HI, 50))
    assert server.requests[0].headers["Authorization"] == "Basic YW5uOnMzY3IldA=="
    shown = everywhere(model, caught.value, caplog.text)
    assert model.name == f"openai:fake@http://***@{server.host}/v1"
    assert "s3cr" not in shown and "YW5u" not in shown


@pytest.mark.parametrize("key", ["two words", "na\u00efve", "line\nbreak"])
def test_a_key_that_is_none_is_refused_unseen(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ModelError) as caught:
        open_model("openai:gpt-4o")
    assert str(caught.value) == (
        "OPENAI_API_KEY holds what is no key (spaces or odd characters); set it again"
    )


# --- specifications


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("", f"'' {NAMED}"),
        ("extractive", f"'extractive' {NAMED}"),
        ("gpt-4o", f"'gpt-4o' {NAMED}"),
        ("C:\\model.gguf", f"'C:\\\\model.gguf' {NAMED}"),
        ("openai:", f"'openai:' {NAMED}"),
        ("local: ", f"'local: ' {NAMED}"),
        ("openai:gpt-4o", "OPENAI_API_KEY is not set; set it to your key"),
        ("anthropic:claude-sonnet-4-5", "ANTHROPIC_API_KEY is not set; set it to your key"),
        (
            "openai:x@localhost:8000/v1",
            "'openai:x@localhost:8000/v1' is no address; write it as openai:NAME@http://HOST:PORT/v1",
        ),
        ("openai:x@http://", "'http://' is no address; write it as http://HOST:PORT/v1"),
        (
            "openai:x@http://a:b@h:1x/v1",
            "'http://***@h:1x/v1' is no address; write it as http://HOST:PORT/v1",
        ),
        ("openai:x@http://h/?key=1", "'http://h/?***' is no address; write it as http://HOST:PORT/v1"),
        (
            "nosuch:x",
            "no package for nosuch models is installed; run `pip install llama-index-llms-nosuch`, "
            f"or name one of: {FORMS}",
        ),
        (5, f"int is no language model; give a LlamaIndex LLM, or one of: {FORMS}"),
        (None, f"NoneType is no language model; give a LlamaIndex LLM, or one of: {FORMS}"),
    ],
)
def test_a_specification_that_says_nothing_is_refused(spec: Any, text: str) -> None:
    if isinstance(spec, str) and spec.startswith("anthropic"):
        pytest.importorskip("llama_index.llms.anthropic")
    with pytest.raises(ModelError) as caught:
        open_model(spec)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("spec", "base", "path", "model"),
    [
        ("openai:m@{url}/v1", "", "/v1/chat/completions", "m"),
        ("openai:m@{url}/v1/", "", "/v1/chat/completions", "m"),
        ("openai:m@{url}", "", "/v1/chat/completions", "m"),
        ("openai:m@{url}/api/x", "", "/api/x/chat/completions", "m"),
        (" openai: org/m:7b ", "{url}/v1", "/v1/chat/completions", "org/m:7b"),
        ("openai:@cf/org/m@{url}/v1", "", "/v1/chat/completions", "@cf/org/m"),
    ],
)
def test_name_and_address(
    spec: str, base: str, path: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(answer("Hello.")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", base.format(url=server.url))
        with open_model(spec.format(url=server.url)) as opened:
            assert "".join(opened.stream(HI, 50)) == "Hello."
        assert (server.requests[0].path, server.requests[0].body["model"]) == (path, model)


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        ({"id": "fake", "meta": {"n_ctx": 3000}}, 3000),
        ({"id": "fake", "max_model_len": 4000}, 4000),
        ({"id": "the only one", "context_length": 5000}, 5000),
        ({"id": "fake"}, 8192),
        (None, 8192),
    ],
)
def test_the_context_window_is_asked_for(told: Any, tokens: int) -> None:
    pages = {"/v1/models": {"data": [told]}} if told else {}
    with ModelServer(answer("x"), pages=pages) as server, opened(server) as model:
        assert model.context_window == tokens


def test_known_windows_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with open_model("openai:gpt-4o") as model, open_model("openai:gpt-unheard-of") as other:
        assert (model.context_window, other.context_window) == (128_000, 8192)
        assert model.count_tokens("Hello world") == 4
    assert repr(model) == "LanguageModel('openai:gpt-4o')"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("Hello", 2), ("in 2020", 6), ("$1.5", 4), ("\u2019", 3), ("a\n\nb", 4), ("\ud800", 1)],
)
def test_token_estimates(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


# --- other providers


def test_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llama_index.llms.ollama")
    pages = {"/api/show": {"model_info": {"llama.context_length": 2048}}}
    with ModelServer(ollama_answer("Hello there"), pages=pages) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        with open_model("ollama:fake:1b") as model:
            stream = model.stream(HI, 50)
            assert list(stream) == ["Hello", "there"]
            assert stream.usage == {"prompt_tokens": 10, "completion_tokens": 2}
            assert stream.finish == "stop"
            assert model.context_window == 2048
    (request,) = server.requests
    assert request.path == "/api/chat"
    assert request.body["model"] == "fake:1b"
    assert request.body["options"] == {"temperature": 0.0, "num_ctx": 2048, "num_predict": 50}


def test_faults_of_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llama_index.llms.ollama")
    show = {"/api/show": {"model_info": {"llama.context_length": 131072}}}
    missing = Reply(lambda: [b'{"error": "model \'fake\' not found"}'], 404, "application/json")
    for reply, pages, text in (
        (missing, {}, "ollama:fake is not there (404: model 'fake' not found); run `ollama pull fake`"),
        (
            ollama_answer("Hello", whole=False), show,
            "ollama:fake broke off in the middle of its answer; ask again",
        ),
        (
            Reply(lambda: [b'{"message"\n']), show,
            "ollama:fake sent what is no answer (JSONDecodeError); "
            "ask again, and check the address if it stays so",
        ),
    ):  # fmt: skip
        with ModelServer(reply, pages=pages) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url)
            with open_model("ollama:fake") as model, pytest.raises(ModelError) as caught:
                list(model.stream(HI, 50))
        assert str(caught.value) == text
        assert model.context_window == 8192
    with open_model("ollama:fake") as model, pytest.raises(ModelError) as caught:
        list(model.stream(HI, 50))
    assert (
        str(caught.value) == f"nothing answers at {server.host}; start the server, or correct the address"
    )


def test_anthropic(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llama_index.llms.anthropic")

    def said(kind: str, **more: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()

    message = {"id": "1", "type": "message", "role": "assistant", "content": [], "model": "c"}
    start = said("message_start", message={**message, "usage": {"input_tokens": 7, "output_tokens": 1}})
    text = [
        said("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        said("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"}),
        said("content_block_stop", index=0),
    ]
    end = said("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    for body in ([start, *text, end, said("message_stop")], [start, *text]):
        with ModelServer(events(*body)) as server:
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            with open_model("anthropic:claude-sonnet-4-5") as model:
                stream = model.stream(HI, 50)
                assert next(stream) == "Hello"
                if end in body:
                    assert list(stream) == []
                    assert stream.usage == {"prompt_tokens": 7, "completion_tokens": 2}
                    assert stream.finish == "stop"
                    assert server.requests[0].body["max_tokens"] == 50
                else:
                    with pytest.raises(ModelFailed, match="broke off"):
                        list(stream)


def test_a_llamaindex_object_is_a_model() -> None:
    from llama_index.core.llms.mock import MockLLM

    llm = MockLLM(max_tokens=7)
    with open_model(llm) as model:
        assert model.name == "MockLLM:unknown"
        assert "".join(model.stream(HI, 3)) == "text text text"
        assert model.context_window == 3900
    assert llm.max_tokens == 7


def test_an_object_that_cannot_stream_answers_whole() -> None:
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.llms.mock import MockLLM

    class Whole(MockLLM):
        def stream_chat(self, messages: Any, **more: Any) -> Any:
            raise NotImplementedError

        def chat(self, messages: Any, **more: Any) -> ChatResponse:
            return ChatResponse(message=ChatMessage(role="assistant", content="All of it."))

    with open_model(Whole(max_tokens=5)) as model:
        assert list(model.stream(HI, 50)) == ["All of it."]


def test_an_object_that_fails_is_a_failed_model() -> None:
    from llama_index.core.llms.mock import MockLLM

    class Broken(MockLLM):
        api_key: str = "hidden-key-1"

        def stream_chat(self, messages: Any, **more: Any) -> Any:
            raise RuntimeError(f"cannot, with {self.api_key}\nsecond line")

    with open_model(Broken(max_tokens=5)) as model, pytest.raises(ModelFailed) as caught:
        list(model.stream(HI, 50))
    assert str(caught.value) == (
        "Broken:unknown failed (RuntimeError: cannot, with *** second line); "
        "ask again, or use another model"
    )


def test_any_other_provider_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(answer("Hello.")) as server:
        monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        with open_model("openai-like:fake") as model:
            assert repr(model) == "LanguageModel('openai-like:fake')"
            assert type(model._provider.llm(5)[0]).__name__ == "OpenAILike"


# --- what is there


def test_what_is_usable_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("qa.usable.installed", lambda: {"openai_like", "mistralai"})
    pages = {
        "/v1/models": {"data": [{"id": "small"}, {"id": "large"}]},
        "/api/tags": {"models": [{"name": "tiny:1b"}]},
    }
    with ModelServer(answer("x"), pages=pages) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        found = {status.spec: status for status in usable()}
        place = f"at {server.host}"
    assert list(found) == [
        "extractive", "local", "openai:small", "openai:large", "ollama:tiny:1b", "anthropic:NAME",
        "mistralai:NAME",
    ]  # fmt: skip
    assert found["extractive"].usable
    assert found["openai:large"] == ModelStatus("openai:large", True, place)
    assert found["ollama:tiny:1b"] == ModelStatus("ollama:tiny:1b", True, place)
    assert found["mistralai:NAME"].reason == "llama-index-llms-mistralai is installed"
    monkeypatch.delenv("OPENAI_BASE_URL")
    found = {status.spec: status for status in usable()}
    assert found["openai:NAME"] == ModelStatus(
        "openai:NAME", False, "OPENAI_API_KEY is not set; set it to your key"
    )
    assert found["ollama:NAME"] == ModelStatus(
        "ollama:NAME",
        False,
        f"nothing answers at {server.host}; start the server, or correct the address",
    )


@pytest.mark.parametrize("page", [None, [], {"data": 5}, {"data": [{}]}])
def test_a_server_that_names_no_models_is_no_crash(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(answer("x"), pages={"/v1/models": page}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        (status,) = (status for status in usable() if status.spec.startswith("openai"))
    assert not status.usable
    assert status.reason.startswith(f"{server.host} ")


def test_other_machines_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://192.0.2.1/v1")
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.2:80")
    found = {status.spec: status.reason for status in usable()}
    assert found["openai:NAME"] == "at 192.0.2.1, without a key"
    assert found["ollama:NAME"] == "at 192.0.2.2:80, not asked"


def test_importing_the_models_brings_none_of_their_libraries() -> None:
    code = (
        "import sys, qa, qa.models, qa.local\n"
        "foreign = ('openai', 'llama_index', 'xllamacpp', 'ollama', 'httpx')\n"
        "print([name for name in foreign if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
