"""A server on loopback that answers as language models' servers do, by a script.

    with ModelServer(failing(500), answer("Hello there.")) as server:
        model = open_model(f"openai:fake@{server.url}/v1")
        ...
    assert server.requests[0].body["messages"] == [...]

Each request for an answer takes the next reply; the last one is repeated.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = Iterable["bytes | float"]


@dataclass(frozen=True)
class Reply:
    """What is sent: ``body`` gives bytes, and numbers for seconds of silence.

    ``before`` is the silence before the headers; ``whole=False`` cuts the connection after the body;
    ``chunked=False`` leaves it to the end of the connection to say where the body ends.
    """

    body: Callable[[], Body]
    status: int = 200
    type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    before: float = 0.0
    whole: bool = True
    chunked: bool = True


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: Any


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a chat completion."""
    delta = {} if text is None else {"content": text}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return event(json.dumps({**_HEAD, "choices": choices, **more}))


def event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


_HEAD = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
DONE = event("[DONE]")


def answer(text: str, finish: str = "stop", pause: float = 0.0) -> Reply:
    """``text``, word by word, with its usage: a token a word, and ten for the prompt."""
    words = text.split(" ")
    words = [*(word + " " for word in words[:-1]), *words[-1:]]
    counts = {"prompt_tokens": 10, "completion_tokens": len(words), "total_tokens": 10 + len(words)}
    usage = event(json.dumps({**_HEAD, "choices": [], "usage": counts}))
    said = [part for word in words for part in (chunk(word), pause)]
    return events(*said, chunk(finish=finish), usage, DONE)


def events(*parts: bytes | float, **more: Any) -> Reply:
    """A stream of these events and silences."""
    return Reply(lambda: parts, **more)


def endless(part: bytes, pause: float = 0.0) -> Reply:
    """The same event for ever."""
    return Reply(lambda: itertools.chain.from_iterable(itertools.repeat((part, pause))))


def failing(status: int, message: str = "it failed", **headers: str) -> Reply:
    """An error, as OpenAI words it."""
    body = json.dumps({"error": {"message": message, "type": "t", "code": None}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(lambda: (body,), status, "application/json", named)


def ollama_answer(text: str, whole: bool = True) -> Reply:
    """As Ollama does it: a line of JSON for each word."""
    lines = [
        {"message": {"role": "assistant", "content": word}, "done": False} for word in text.split(" ")
    ]
    end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
           "prompt_eval_count": 10, "eval_count": len(lines)}  # fmt: skip
    body = [json.dumps({"model": "fake", **line}).encode() + b"\n" for line in [*lines, *[end] * whole]]
    return Reply(lambda: body, type="application/x-ndjson")


class ModelServer(AbstractContextManager["ModelServer"]):
    """Answers POST requests by the script, and others (``/v1/models``) from ``pages``, by path."""

    def __init__(self, *replies: Reply, pages: dict[str, Any] | None = None) -> None:
        self.requests: list[Request] = []
        self.cut = threading.Event()  # set once a client has left before the end
        self.closing = threading.Event()
        self.pages = pages or {}
        self._replies = list(replies)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"script": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def take(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ModelServer

    def do_GET(self) -> None:
        self._page(self.script.pages.get(self.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path in self.script.pages:
            return self._page(self.script.pages[self.path])
        reply = self.script.take(Request(self.path, dict(self.headers), json.loads(body)))
        try:
            self._reply(reply)
        except OSError:
            self.script.cut.set()
            self.close_connection = True
        return None

    def _page(self, page: Any) -> None:
        body = json.dumps(page).encode()
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reply(self, reply: Reply) -> None:
        if reply.before and not self._silence(reply.before):
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        chunked = reply.chunked
        self.send_header("Transfer-Encoding", "chunked") if chunked else None
        self.send_header("Connection", "close")
        self.end_headers()
        for part in self._parts(reply.body()):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked and reply.whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def _parts(self, body: Body) -> Iterator[bytes]:
        for part in body:
            if isinstance(part, bytes):
                yield part
            elif part and not self._silence(part):
                return

    def _silence(self, seconds: float) -> bool:
        """Say nothing for a while; False where the server is closed meanwhile."""
        return not self.script.closing.wait(seconds)

    def log_message(self, *_: object) -> None:
        pass
