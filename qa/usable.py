"""What can be used here, and what the rest would need; of servers, only this machine's are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from index.errors import ModelError

from .connections import OPENAI, Place, ollama_place, openai_place
from .keys import environment_key
from .local import packaged_model
from .packages import installed, need, need_local

Found = Iterator[tuple[str, str]]
"""Specifications, and why they can be used."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Whether a model can be used, and what is there or what to install, set or start."""

    spec: str
    usable: bool
    reason: str


def usable() -> list[ModelStatus]:
    """Each model, or kind of model, that answers can be written with."""
    return [
        ModelStatus("extractive", True, "built in: quotes sentences, without a language model"),
        *_check("local", _local),
        *_check("openai:NAME", _openai),
        *_check("ollama:NAME", _ollama),
        *_check("anthropic:NAME", _anthropic),
        *(
            ModelStatus(f"{name}:NAME", True, f"llama-index-llms-{name.replace('_', '-')} is installed")
            for name in sorted(installed() - {"openai", "openai_like", "ollama", "anthropic"})
        ),
    ]


def _check(spec: str, look: Callable[[], Found]) -> list[ModelStatus]:
    try:
        return [ModelStatus(found, True, reason) for found, reason in look()]
    except ModelError as exc:
        return [ModelStatus(spec, False, str(exc))]


def _local() -> Found:
    need_local()
    yield "local", f"SmolLM2 135M, {packaged_model()}"


def _openai() -> Found:
    need("openai_like")
    place = openai_place()
    key = environment_key("OPENAI_API_KEY", needed=place.url == OPENAI)
    if not place.loopback:
        yield "openai:NAME", f"at {place.host}, " + ("OPENAI_API_KEY is set" if key else "without a key")
        return
    for name in _names(place, "/models", "data", "id", {"Authorization": f"Bearer {key or 'none'}"}):
        yield f"openai:{name}", f"at {place.host}"


def _ollama() -> Found:
    need("ollama")
    place = ollama_place()
    if not place.loopback:
        yield "ollama:NAME", f"at {place.host}, not asked"
        return
    names = _names(place, "/api/tags", "models", "name", {})
    if not names:
        raise ModelError("Ollama holds no model; run `ollama pull NAME`")
    for name in names:
        yield f"ollama:{name}", f"at {place.host}"


def _anthropic() -> Found:
    need("anthropic")
    environment_key("ANTHROPIC_API_KEY", needed=True)
    yield "anthropic:NAME", "ANTHROPIC_API_KEY is set"


def _names(place: Place, path: str, key: str, name: str, headers: dict[str, str]) -> list[str]:
    """The names of the models of a server. Raises ModelError where it gives none."""
    import httpx

    try:
        with httpx.Client(trust_env=False, timeout=1.0, auth=place.auth) as client:
            answer = client.get(place.url + path, headers=headers).raise_for_status().json()
            return [str(model[name]) for model in answer[key]]
    except httpx.HTTPStatusError as exc:
        why = f"{place.host} answers {exc.response.status_code}; check its key and address"
    except (httpx.HTTPError, ValueError):
        why = f"nothing answers at {place.host}; start the server, or correct the address"
    except (LookupError, TypeError):
        why = f"{place.host} does not name its models; correct the address"
    raise ModelError(why)
