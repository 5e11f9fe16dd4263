"""Language models, local and hosted, behind one small class; LlamaIndex's model classes do the talking.

    with open_model("local") as model:
        for piece in model.stream([Message("user", "Say hello.")], max_tokens=20):
            print(piece, end="")

| specification | model |
|---|---|
| ``local`` | the packaged SmolLM2, in a process of its own (``make local-model``) |
| ``local:FILE.gguf`` | any other GGUF file, likewise |
| ``openai:NAME``, ``openai:NAME@http://HOST:PORT/v1`` | OpenAI, or any server that speaks as it does |
| ``ollama:NAME`` | Ollama, at OLLAMA_HOST |
| ``anthropic:NAME`` | Anthropic |
| ``PROVIDER:NAME`` | any other provider that LlamaIndex has a package for |

Keys are taken from the environment and never shown. Retries and time limits are ours, the same for all.
``qa.usable`` tells which of them can be used here.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from index.errors import ModelError, ReleaseQAError

from .calls import Call, Stream
from .chat import Message
from .keys import mask, scrub
from .providers import UNKNOWN_WINDOW, Provider, provider_of

__all__ = ["LanguageModel", "Message", "Stream", "estimate_tokens", "open_model"]

SMALL = 1_000_000_000
"""Parameters: smaller models answer from passages that hold no answer, and cannot be asked not to."""


class LanguageModel:
    """A language model. Safe to use from several threads; close it, or use ``with``."""

    def __init__(self, provider: Provider, seconds: float, retries: int) -> None:
        self._provider = provider
        self._seconds = seconds
        self._retries = retries
        self._calls: weakref.WeakSet[Call] = weakref.WeakSet()
        self._closer = weakref.finalize(self, provider.close)
        self._lock = threading.Lock()  # of the calls
        self._asking = threading.Lock()  # of the window, which a server may be slow to tell
        self._window: int | None = None
        self._small: bool | None = None

    @property
    def name(self) -> str:
        """The specification, without anything secret."""
        return self._provider.name

    @property
    def context_window(self) -> int:
        """How many tokens it can read and write in one call; a cautious guess where nobody says."""
        with self._asking:
            if self._window is None:
                with contextlib.suppress(Exception):  # the next call tells what is wrong
                    self._window = self._provider.window() or UNKNOWN_WINDOW
            return self._window or UNKNOWN_WINDOW

    @property
    def small(self) -> bool:
        """Whether it is known to have fewer than SMALL parameters: it cannot tell what answers."""
        with self._asking:
            if self._small is None:
                with contextlib.suppress(Exception):
                    self._small = (self._provider.parameters() or SMALL) < SMALL
            return bool(self._small)

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Stream:
        """Ask for an answer of ``max_tokens`` at most; the request goes out at once."""
        call = Call(self._provider, self._seconds, self._retries)
        with self._lock:
            if not self._closer.alive:
                raise ModelError(f"{self.name} is closed; open it again")
            self._calls.add(call)
        work = (call, list(messages), max_tokens)
        threading.Thread(target=self._answer, args=work, name="model", daemon=True).start()
        return Stream(call)

    def _answer(self, call: Call, messages: list[Message], max_tokens: int) -> None:
        """What a thread does; it holds on to the model, whose provider is closed with it."""
        call.answer(messages, max_tokens)

    def count_tokens(self, text: str) -> int:
        """How many tokens ``text`` is: exact where the server counts them, else rather too many."""
        with contextlib.suppress(Exception):
            counted = self._provider.count(text)
            if counted is not None:
                return counted
        return estimate_tokens(text)

    def close(self) -> None:
        with self._lock:
            for call in list(self._calls):
                call.stop()
            self._closer()

    def __enter__(self) -> LanguageModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LanguageModel({self.name!r})"


def open_model(spec: Any, seconds: float = 120.0, retries: int = 3) -> LanguageModel:
    """The model of a specification, or around a LlamaIndex LLM object.

    A whole call takes at most ``seconds``; one that fails before its first piece is tried again at
    most ``retries`` times where that may help. No request is made yet. Raises ModelError.
    """
    if isinstance(spec, LanguageModel):
        return spec
    try:
        return LanguageModel(provider_of(spec, seconds), seconds, retries)
    except ReleaseQAError:
        raise
    except Exception as exc:
        why = scrub(f"{type(exc).__name__}: {exc}")[:300]
    # here, so that it carries nothing of the exception, which may hold a key
    raise ModelError(f"cannot set up {mask(str(spec))}: {' '.join(why.split())}; check its settings")


def estimate_tokens(text: str) -> int:
    """How many tokens ``text`` is at most, for all but odd tokenizers: a cautious guess."""
    words = sum(math.ceil(len(word) / 3) for word in re.findall(r"[A-Za-z]+", text))
    # digits and marks are one each, and so is a space that no word takes along
    others = len(re.findall(r"[!-@\[-`{-~\n]|[^\S\n](?![A-Za-z])", text))
    return words + others + sum(len(c.encode("utf-8", "replace")) for c in text if c > "\x7f")
