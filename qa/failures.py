"""What went wrong in a call: any provider's exception as an error to show, and whether to try again."""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from index.errors import ModelError, ReleaseQAError

from .errors import ModelFailed
from .keys import scrub
from .providers import Provider

LONGEST_RETRY_AFTER = 30.0
_MALFORMED = {"JSONDecodeError", "UnicodeError", "ValidationError"}
_MISREAD = {"AttributeError", "TypeError", "LookupError"}  # what a client makes of other JSON
_TOO_LONG = re.compile(r"context|too long|maximum.{0,20}tokens|exceed.{0,20}tokens", re.IGNORECASE)


class BrokenOff(Exception):
    """A stream ended before its end."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error to show, whether to try again first, and after how many seconds the server wants it."""

    error: ReleaseQAError
    again: bool = False
    wait: float | None = None


def failure(exc: BaseException, provider: Provider, answered: bool, begun: bool) -> Failure:
    """What an exception means; told by its attributes and names, not its class.

    ``answered``: the server has sent headers; ``begun``: it has sent a part of the answer, too.
    """
    name, host = provider.name, provider.place.host or provider.name
    chain = list(_chain(exc))
    kinds = {cls.__name__ for one in chain for cls in type(one).__mro__}
    for one in chain:
        if isinstance(one, ReleaseQAError):
            return Failure(one)
    if "WebPage" in kinds:
        text = f"{host} answers with a web page, not as a language model"
        return Failure(ModelError(f"{text}; correct the address (it often ends in /v1)"))
    if "TooMuch" in kinds:
        return Failure(
            ModelFailed(f"{name} sent far more than an answer; ask again, or use another model")
        )
    status = _status(chain)
    detail = _detail(exc, provider)
    if status is not None:
        return _refusal(status, detail, chain, provider)
    broken = {"ConnectionError", "APIConnectionError", "TransportError", "OSError", "BrokenOff"} & kinds
    if broken and (why := provider.death()):
        return Failure(ModelFailed(f"{why}; ask again"))
    if _MALFORMED & kinds or (answered and _MISREAD & kinds):
        text = f"{name} sent what is no answer ({type(exc).__name__})"
        return Failure(ModelFailed(f"{text}; ask again, and check the address if it stays so"))
    if any("Timeout" in kind for kind in kinds):
        return Failure(ModelFailed(f"{name} takes too long; ask again, or allow more time"), again=True)
    if broken and (begun or "BrokenOff" in kinds):
        text = f"{name} broke off in the middle of its answer; ask again"
        return Failure(ModelFailed(text), again=True)
    if broken and "ConnectionRefusedError" in kinds and provider.place.loopback:
        return Failure(ModelError(f"nothing answers at {host}; start the server, or correct the address"))
    if broken:
        why = _detail(chain[-1], provider) or type(chain[-1]).__name__
        text = f"cannot reach {host} ({why})"
        return Failure(ModelFailed(f"{text}; check the address and the network"), again=True)
    text = f"{name} failed ({type(exc).__name__}{detail and ': ' + detail})"
    return Failure(ModelFailed(f"{text}; ask again, or use another model"))


def _refusal(status: int, detail: str, chain: list[BaseException], provider: Provider) -> Failure:
    """What a status of HTTP means."""
    name, variable = provider.name, provider.key_variable or "its key"
    told = f"({status}{detail and ': ' + detail})"
    if provider.yields(status, detail):
        return Failure(ModelFailed(f"{name} refused the request {told}; ask again"), again=True, wait=0)
    if status in (408, 409, 429) or status >= 500:
        if "insufficient_quota" in str(getattr(chain[0], "body", "")):
            return Failure(ModelError(f"{name}'s quota is used up {told}; look at your plan there"))
        wait = _retry_after(chain)
        if wait is not None and wait > LONGEST_RETRY_AFTER:
            text = f"{name} is busy and asks to wait {wait:.0f} s ({status}); ask again then"
            return Failure(ModelFailed(text))
        busy = "is busy, or its quota is used up" if status == 429 else "failed"
        return Failure(ModelFailed(f"{name} {busy} {told}; ask again later"), again=True, wait=wait)
    if status == 401:
        wants = "refused the key" if provider.key else "wants a key"
        text = f"{name} {wants} {told}; set {variable} to a valid one"
    elif status == 403:
        text = f"{name} does not let you in {told}; check what the key in {variable} may use"
    elif status == 404:
        text = f"{name} is not there {told}; {provider.missing()}"
    elif status < 400:
        text = f"{name} has moved ({status}); correct the address {provider.place.host}"
    elif status == 413 or _TOO_LONG.search(detail):
        text = f"the request is longer than {name} can read {told}"
        text += "; ask with fewer passages, or use a model with a longer context"
    else:
        text = f"{name} refused the request {told}; check the model's name and the address"
    return Failure(ModelError(text))


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:  # `raise exc from exc` is its own cause
        seen.add(id(exc))
        yield exc
        exc = exc.__cause__ or exc.__context__


def _status(chain: list[BaseException]) -> int | None:
    for one in chain:
        response = getattr(one, "response", None)
        for thing, word in ((one, "status_code"), (response, "status_code"), (one, "code")):
            found = getattr(thing, word, None)
            if type(found) is int and 300 <= found < 600:
                return found
    return None


def _retry_after(chain: list[BaseException]) -> float | None:
    """Seconds, of a header that gives them or a date."""
    headers = (getattr(getattr(one, "response", None), "headers", None) for one in chain)
    value = next((str(h.get("retry-after", "")) for h in headers if h), "")
    try:
        return max(0.0, float(value))
    except ValueError:
        with contextlib.suppress(ValueError):
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _detail(exc: BaseException, provider: Provider) -> str:
    """What the server says is wrong: short, on one line, without secrets; may be empty."""
    told: Any = getattr(exc, "body", None) or getattr(exc, "error", None) or str(exc)
    with contextlib.suppress(ValueError, TypeError):  # of Ollama it is the JSON as it came
        told = json.loads(told)
    while isinstance(told, Mapping):
        told = told.get("error") or told.get("message") or told.get("detail")
    said = str(told or "")
    if re.search(r"<\w+[ >]", said):
        return ""  # a page
    said = scrub(said, *provider.secrets())
    said = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return (said if len(said) <= 200 else said[:199] + "…").rstrip(".")
