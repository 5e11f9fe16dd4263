"""Where models' servers are, and the connection of a call to one, which another thread can cut."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from index.errors import ModelError

from .keys import mask

OPENAI = "https://api.openai.com/v1"
GRACE = 5.0  # seconds that a server has to close a finished stream, and to report its usage


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a server, its credentials apart."""

    url: str
    host: str
    loopback: bool
    auth: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Place:
        try:
            parts = urlsplit(url.strip())
            fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            fits = False
        if not fits or not parts.hostname or parts.query or parts.fragment:
            raise ModelError(f"{mask(url)!r} is no address; write it as http://HOST:PORT/v1")
        host = parts.netloc.rpartition("@")[2]
        auth = (unquote(parts.username or ""), unquote(parts.password or ""))
        loopback = parts.hostname == "localhost"
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(parts.hostname)
            loopback = address.is_loopback or address.is_unspecified
        clean = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        return cls(clean, host, loopback, auth if any(auth) else None)


def openai_place(url: str = "") -> Place:
    """``url``, else OPENAI_BASE_URL, else OpenAI itself."""
    place = Place.of(url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI)
    return place if urlsplit(place.url).path else replace(place, url=f"{place.url}/v1")


def ollama_place() -> Place:
    """OLLAMA_HOST, or this machine."""
    host = os.environ.get("OLLAMA_HOST", "").strip() or "127.0.0.1"
    place = Place.of(host if "://" in host else f"http://{host}")
    if urlsplit(place.url).port or "://" in host:
        return place
    return replace(place, url=f"{place.url}:11434", host=f"{place.host}:11434")


class WebPage(Exception):
    """A server sent HTML."""


class TooMuch(Exception):
    """A server sent far more bytes than the answer can have."""


class Connection:
    """What a call is answered over. One thread reads; any may cut."""

    def __init__(self) -> None:
        self.allow = 0  # bytes that the server may still send
        self.done = False  # whether they end as OpenAI's streams do
        self.response: Any = None  # of httpx, open while it is read
        self._opened: Any = None  # by httpcore
        self._cut = False

    def cut(self) -> None:
        """End it, now and whenever it is opened again."""
        self._cut = True
        self._hang_up()

    def _hang_up(self) -> None:
        # shutting it down wakes a thread that waits for it; closing it would not
        with contextlib.suppress(Exception):
            socket.socket.shutdown(self._opened.get_extra_info("socket"), socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the response, which only the thread that reads it may do.

        Left to the garbage collector, httpcore would close it whenever that runs, and wait for ever
        where it runs while the same thread opens another connection.
        """
        response, self.response = self.response, None
        if response is not None:
            with contextlib.suppress(Exception):
                response.close()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpcore what it does: a connection, and then the TLS over it."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._opened = info["return_value"]
            if self._cut:
                self._hang_up()


_here = threading.local()  # .connection: of the call that a thread reads for


def use(connection: Connection) -> None:
    """Let what this thread asks from now on be answered over ``connection``."""
    _here.connection = connection


def http_settings(seconds: float, place: Place) -> dict[str, Any]:
    """For a client of httpx whose connections can be cut and whose answers are measured.

    A connection serves one request, so that the one to cut is always known.
    """
    import httpx

    class Measured(httpx.SyncByteStream):
        def __init__(self, stream: Any, connection: Connection) -> None:
            self._stream, self._connection = stream, connection

        def __iter__(self) -> Iterator[bytes]:
            tail = b""
            for block in self._stream:
                self._connection.allow -= len(block)
                if self._connection.allow < 0:
                    raise TooMuch
                tail = (tail + block)[-1024:]
                self._connection.done = bool(re.search(rb"^data: ?\[DONE\]", tail, re.MULTILINE))
                yield block

        def close(self) -> None:
            self._stream.close()

    def asked(request: httpx.Request) -> None:
        if connection := getattr(_here, "connection", None):
            request.extensions = {**request.extensions, "trace": connection.trace}

    def answered(response: httpx.Response) -> None:
        if connection := getattr(_here, "connection", None):
            connection.response = response
            response.stream = Measured(response.stream, connection)
            if response.is_success and "html" in response.headers.get("content-type", ""):
                raise WebPage

    return {
        "timeout": httpx.Timeout(seconds + GRACE, connect=10.0),  # of last resort: a call has its own
        "trust_env": not place.loopback,  # a proxy has no business on this machine
        "limits": httpx.Limits(max_keepalive_connections=0),
        "headers": {"Accept-Encoding": "identity"},
        "auth": place.auth,
        "event_hooks": {"request": [asked], "response": [answered]},
    }
