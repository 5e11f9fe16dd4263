"""A call of a language model in progress: one thread reads the answer, another wants it.

The reading thread tries again where that may help; the other is kept waiting no longer than allowed,
whatever the server does.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from index.errors import ReleaseQAError

from .chat import Message, pieces
from .connections import GRACE, Connection, use
from .errors import ModelFailed
from .failures import BrokenOff, failure
from .providers import Provider

BACKOFF = 0.5  # seconds before the first retry; doubles, with jitter
CHARACTERS_PER_TOKEN = 16  # more of them than max_tokens allows means that a server ignores the limit
WAITING_PIECES = 64


class Stream(Iterator[str]):
    """The pieces of an answer as the model writes them; iteration raises ModelError and ModelFailed."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def usage(self) -> Mapping[str, int]:
        """``prompt_tokens`` and ``completion_tokens``, at the end, as far as the server tells them."""
        return dict(self._call.usage)

    @property
    def finish(self) -> str | None:
        """At the end: ``stop``, ``length`` or another word of the server's; None where it did not say."""
        return self._call.finish

    def close(self) -> None:
        """Cancel: the connection is closed, so that the server stops writing."""
        self._call.stop()

    def __next__(self) -> str:
        return self._call.get()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._call.stop()


class Call:
    """What the two threads share: ``answer`` runs in the one that reads, ``get`` in the other."""

    def __init__(self, provider: Provider, seconds: float, retries: int) -> None:
        self.usage: dict[str, int] = {}
        self.finish: str | None = None
        self._provider, self._seconds, self._retries = provider, seconds, retries
        self._deadline = time.monotonic() + seconds
        self._connection = Connection()
        self._change = threading.Condition()  # of what follows
        self._pieces: deque[str] = deque()
        self._begun = self._ended = self._stopped = False
        self._finished: float | None = None  # when the server said that the answer is whole
        self._error: ReleaseQAError | None = None

    def answer(self, messages: Sequence[Message], max_tokens: int) -> None:
        """Ask and read until the end."""
        use(self._connection)
        error: ReleaseQAError | None = ModelFailed(f"{self._provider.name} failed; ask again")
        try:
            error = self._try(messages, max_tokens)
        finally:
            with self._change:
                self._ended, self._error = True, error
                self._change.notify_all()

    def get(self) -> str:
        """The next piece, once it is there. Raises StopIteration at the end, or what went wrong."""
        with self._change:
            while True:
                late = self._deadline - time.monotonic()
                if self._stopped:
                    raise StopIteration
                if self._pieces and (late > 0 or self._ended):
                    self._change.notify_all()
                    return self._pieces.popleft()
                if self._ended:
                    error, self._error = self._error, None
                    raise error or StopIteration
                if self._finished and not self._pieces:
                    late = min(late, self._finished + GRACE - time.monotonic())
                if late <= 0:
                    break
                self._change.wait(late)
        self.stop()
        if self._finished and not self._pieces:
            raise StopIteration
        raise ModelFailed(
            f"{self._provider.name} did not finish within {self._seconds:g} s; "
            "ask again, or allow more time"
        )

    def stop(self) -> None:
        """End it, from any thread."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        if not self._ended:
            self._connection.cut()

    def _try(self, messages: Sequence[Message], max_tokens: int) -> ReleaseQAError | None:
        """Read the answer, asking more than once where that may help; what went wrong in the end."""
        attempt = 0
        while True:
            try:
                self._read(messages, max_tokens)
                return None
            except Exception as exc:
                answered = self._connection.response is not None
                failed = failure(exc, self._provider, answered, self._begun)
            finally:
                self._connection.close()
            if self._stopped or self._begun or not failed.again or attempt >= self._retries:
                return failed.error
            wait = failed.wait
            if wait is None:
                wait = BACKOFF * 2**attempt * random.uniform(1, 1.5)
            if time.monotonic() + wait >= self._deadline:
                return failed.error
            with self._change:
                self._change.wait_for(lambda: self._stopped, wait)
            attempt += 1

    def _read(self, messages: Sequence[Message], max_tokens: int) -> None:
        self._connection.allow = (1 << 22) + max_tokens * 4096
        llm, options = self._provider.llm(max_tokens)
        room = max_tokens * CHARACTERS_PER_TOKEN
        with contextlib.closing(pieces(llm, messages, options)) as answer:
            for piece in answer:
                self.usage.update(piece.usage)
                if piece.finish:
                    self._finish(piece.finish)
                if piece.text and not self._put(piece.text[:room]):
                    return
                room -= len(piece.text)
                if room <= 0:
                    self.finish = "length"
                    return
        if self._provider.marks_end and not self.finish and not self._connection.done:
            raise BrokenOff

    def _finish(self, why: str) -> None:
        """The server said that the answer is whole; what may follow is its usage."""
        with self._change:
            self.finish = why
            self._finished = self._finished or time.monotonic()
            self._change.notify_all()

    def _put(self, text: str) -> bool:
        """Hand a piece over, once there is room; False where nobody wants it any more."""
        with self._change:
            self._change.wait_for(lambda: self._stopped or len(self._pieces) < WAITING_PIECES)
            self._pieces.append(text)
            self._begun = True
            self._change.notify_all()
            return not self._stopped
