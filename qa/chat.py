"""A conversation with a LlamaIndex model: messages go in, pieces of text come out."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

_USAGE = (
    ("prompt_tokens", ("prompt_tokens", "input_tokens", "prompt_eval_count")),
    ("completion_tokens", ("completion_tokens", "output_tokens", "eval_count")),
)
_FINISHES = {"end_turn": "stop", "max_tokens": "length"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer, and what came with it: why it ends there, and how many tokens it took."""

    text: str
    finish: str | None
    usage: Mapping[str, int]


def pieces(
    llm: Any, messages: Sequence[Message], options: dict[str, Any]
) -> Generator[Piece, None, None]:
    """The answer of ``llm``, called with ``options``."""
    from llama_index.core.base.llms.types import ChatMessage

    chat = [ChatMessage(role=message.role, content=message.text) for message in messages]
    seen, half = 0, ""
    with contextlib.closing(_responses(llm, chat, options)) as responses:
        for response in responses:
            text = response.delta
            if text is None:
                text = (response.message.content or "")[seen:]
            seen += len(text)
            text, half = _whole(half + text)
            yield Piece(text, _finish(response), _usage(response.raw))
    if half:
        yield Piece("\N{REPLACEMENT CHARACTER}", None, {})


def _responses(llm: Any, chat: list[Any], options: dict[str, Any]) -> Generator[Any, None, None]:
    try:
        yield from llm.stream_chat(chat, **options)
    except NotImplementedError:
        yield llm.chat(chat, **options)


def _whole(text: str) -> tuple[str, str]:
    """``text`` without half characters, and the half that its end may wait for."""
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    whole = text[: len(text) - len(half)]
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), half


def _finish(response: Any) -> str | None:
    """Why the answer ends, in any provider's words; None where this is not its end."""
    raw, more = response.raw, response.message.additional_kwargs
    choice = next(iter(_get(raw, "choices") or ()), None)
    why = _get(choice, "finish_reason") or _get(raw, "done_reason") or _get(more, "stop_reason")
    if why:
        return _FINISHES.get(str(why), str(why))
    return "stop" if _get(raw, "done") is True else None


def _usage(raw: Any) -> dict[str, int]:
    """The tokens so far, in any provider's words."""
    return {
        name: number
        for told in (_get(raw, "usage"), raw)
        for name, words in _USAGE
        for number in (_get(told, word) for word in words)
        if type(number) is int and number >= 0
    }


def _get(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
