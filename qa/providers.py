"""Providers of language models: a LlamaIndex LLM for each specification, and how they differ."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from index.errors import ModelError

from .connections import GRACE, OPENAI, Place, http_settings, ollama_place, openai_place
from .keys import environment_key, mask
from .local import Address, LocalServer, model_file, packaged_model
from .packages import FORMS, need_local, package

UNKNOWN_WINDOW = 8192  # tokens, where nobody says how much a model reads
OLLAMA_WINDOW = 8192  # tokens, at most: Ollama sets memory aside for all of it


class Provider:
    """A model of a provider. ``llm`` and what follows are called from several threads."""

    place = Place("", "", loopback=False)
    key_variable = ""
    key = ""
    marks_end = False  # whether its streams say that they are whole

    def __init__(self, name: str) -> None:
        self.name = mask(name)

    def llm(self, max_tokens: int) -> tuple[Any, dict[str, Any]]:
        """A LlamaIndex LLM, and what to pass with each call of it."""
        raise NotImplementedError

    def window(self) -> int | None:
        """Tokens, where it is known."""
        llm, _ = self.llm(1)
        return int(llm.metadata.context_window)

    def parameters(self) -> int | None:
        """How many weights the model has, where the server tells."""
        return None

    def count(self, text: str) -> int | None:
        """Tokens of ``text``, where the server counts them."""
        return None

    def missing(self) -> str:
        """What to do where the model is not known."""
        return "check the model's name" + (
            f" and the address {self.place.host}" if self.place.host else ""
        )

    def death(self) -> str | None:
        """Why its process is gone, where it was ours."""
        return None

    def yields(self, status: int | None, detail: str) -> bool:
        """Whether it can do without what the server refused."""
        return False

    def secrets(self) -> list[str]:
        return [self.key, *(self.place.auth or ())]

    def close(self) -> None:
        pass


def provider_of(spec: Any, seconds: float) -> Provider:
    """The model of a specification, or around a LlamaIndex LLM. Raises ModelError where there is none."""
    if not isinstance(spec, str):
        return _given(spec)
    kind, _, model = (part.strip() for part in spec.partition(":"))
    if spec.strip() == "local":
        return _Local("local", packaged_model(), seconds)
    if not re.fullmatch(r"[a-z][a-z0-9_-]+", kind) or not model:
        raise ModelError(
            f"{mask(spec)!r} is no language model; name one of: {FORMS} (or extractive, for none)"
        )
    make = {"local": _local, "openai": _openai, "ollama": _Ollama, "anthropic": _Anthropic}
    return make.get(kind, _Other)(f"{kind}:{model}", model, seconds)


class _OpenAI(Provider):
    """OpenAI, and servers that speak as it does."""

    key_variable = "OPENAI_API_KEY"
    marks_end = True

    def __init__(self, name: str, model: str, seconds: float) -> None:
        super().__init__(name)
        self._like = package("openai_like").OpenAILike
        self._model, self._seconds = model, seconds
        self._usage: dict[str, Any] = {"stream_options": {"include_usage": True}}
        self._counts: bool | None = None
        self._http: Any = None

    def at(self, place: Place, key: str) -> _OpenAI:
        """Talk to the server there from now on."""
        import httpx

        if self._http:
            self._http.close()
        self.place, self.key = place, key
        self._http = httpx.Client(**http_settings(self._seconds, place))
        self._llm = self._like(
            model=self._model, api_base=place.url, api_key=key or "none", temperature=0.0, max_retries=0,
            timeout=self._seconds + GRACE, is_chat_model=True, context_window=UNKNOWN_WINDOW,
            http_client=self._http,
        )  # fmt: skip
        return self

    def llm(self, max_tokens: int) -> tuple[Any, dict[str, Any]]:
        self._start()
        return self._llm, {"max_tokens": max_tokens, **self._usage}

    def yields(self, status: int | None, detail: str) -> bool:
        refused = status in (400, 422) and "stream_options" in detail and bool(self._usage)
        if refused:
            self._usage = {}
        return refused

    def window(self) -> int | None:
        self._start()
        if self.place.url == OPENAI:
            from llama_index.llms.openai.utils import openai_modelname_to_contextsize

            return openai_modelname_to_contextsize(self._model)
        told = self._told()
        sizes = [_meta(told).get("n_ctx")]
        sizes += [told.get(word) for word in ("max_model_len", "context_length", "context_window")]
        return next((size for size in sizes if type(size) is int and size > 0), None)

    def parameters(self) -> int | None:
        self._start()
        told = _meta(self._told()).get("n_params") if self.place.loopback else None
        return told if type(told) is int else None

    def count(self, text: str) -> int | None:
        self._start()
        if self._counts is None:
            self._counts = False
            if self.place.loopback:  # a request for each text is too slow anywhere else
                self._counts = "n_ctx_train" in _meta(self._told())  # llama.cpp
        if not self._counts:
            return None
        root = self.place.url.removesuffix("/v1")
        return len(self._ask("POST", f"{root}/tokenize", json={"content": text})["tokens"])

    def close(self) -> None:
        if self._http:
            self._http.close()

    def _start(self) -> None:
        """Be sure that the server runs, where that is ours to do."""

    def _told(self) -> Any:
        """What the server says of the model."""
        models = self._ask("GET", f"{self.place.url}/models").get("data") or []
        return next((m for m in models if m["id"] == self._model), models[0] if len(models) == 1 else {})

    def _ask(self, method: str, url: str, **body: Any) -> Any:
        headers = {} if self.place.auth else {"Authorization": f"Bearer {self.key or 'none'}"}
        response = self._http.request(method, url, headers=headers, timeout=3.0, **body)
        return {} if response.is_client_error else response.raise_for_status().json()


def _meta(told: Any) -> Any:
    return told.get("meta") or {}  # llama.cpp has it


def _openai(spec: str, name: str, seconds: float) -> Provider:
    model, at, url = name.partition("@http")
    if not at and "@" in name:  # not to be taken for a model of OpenAI, which would get the key
        raise ModelError(f"{mask(spec)!r} is no address; write it as openai:NAME@http://HOST:PORT/v1")
    place = openai_place(at[1:] + url)
    key = environment_key("OPENAI_API_KEY", needed=place.url == OPENAI)
    return _OpenAI(spec, model.strip(), seconds).at(place, key)


class _Local(_OpenAI):
    """A model in a process of our own, which speaks as OpenAI does."""

    key_variable = ""

    def __init__(self, name: str, model: Path, seconds: float) -> None:
        need_local()
        super().__init__(name, model.name, seconds)
        self._server = LocalServer.shared(model)
        self._lock = threading.Lock()  # of the address
        self._now: Address | None = None

    def _start(self) -> None:
        with self._lock:
            address = self._server.address()
            if address != self._now:
                host = urlsplit(address.url).netloc
                self.at(Place(f"{address.url}/v1", host, loopback=True), address.key)
                self._now = address

    def death(self) -> str | None:
        return self._server.death()

    def close(self) -> None:
        super().close()
        self._server.release()


def _local(spec: str, name: str, seconds: float) -> Provider:
    return _Local(spec, model_file(Path(name)), seconds)


class _Ollama(Provider):
    key_variable = "OLLAMA_API_KEY"
    marks_end = True

    def __init__(self, spec: str, model: str, seconds: float) -> None:
        super().__init__(spec)
        made = package("ollama").Ollama
        from ollama import Client

        self.place, self.key = ollama_place(), environment_key("OLLAMA_API_KEY")
        self._model = model
        settings = http_settings(seconds, self.place)
        self._client: Any = Client(self.place.url, follow_redirects=False, **settings)
        self._lock = threading.Lock()  # of the window
        self._window: int | None = None
        self._llm = made(
            model=model, base_url=self.place.url, temperature=0.0, context_window=OLLAMA_WINDOW,
            request_timeout=seconds + GRACE, client=self._client,
        )  # fmt: skip

    def llm(self, max_tokens: int) -> tuple[Any, dict[str, Any]]:
        # Ollama reads what fits and says nothing of the rest, so it is always told how much has to
        more = {"additional_kwargs": {"num_predict": max_tokens}, "context_window": self.window()}
        return self._llm.model_copy(update=more), {}

    def window(self) -> int:
        with self._lock:
            if self._window is None:
                info = self._client.show(self._model).modelinfo or {}
                told = [v for k, v in info.items() if k.endswith(".context_length") and type(v) is int]
                self._window = min([OLLAMA_WINDOW, *told])
            return self._window

    def missing(self) -> str:
        return f"run `ollama pull {self._model}`"

    def close(self) -> None:
        self._client.close()


class _Anthropic(Provider):
    key_variable = "ANTHROPIC_API_KEY"
    marks_end = True

    def __init__(self, spec: str, model: str, seconds: float) -> None:
        import httpx

        super().__init__(spec)
        made = package("anthropic").Anthropic
        self.key = environment_key("ANTHROPIC_API_KEY", needed=True)
        self.place = Place.of(os.environ.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com")
        self._llm = made(
            model=model, base_url=self.place.url, api_key=self.key, temperature=0.0, max_retries=0,
            timeout=seconds + GRACE,
        )  # fmt: skip
        _ = self._llm.metadata  # raises where LlamaIndex does not know the model: now, not in each call
        self._http = httpx.Client(**http_settings(seconds, self.place))
        self._llm._client = self._llm._client.with_options(http_client=self._http)

    def llm(self, max_tokens: int) -> tuple[Any, dict[str, Any]]:
        return self._llm, {"max_tokens": max_tokens}

    def close(self) -> None:
        self._http.close()


class _Given(Provider):
    """A LlamaIndex LLM object; its settings stay as they are, but for the length of an answer."""

    def __init__(self, name: str, llm: Any) -> None:
        super().__init__(name)
        self._llm = llm
        fields = type(llm).model_fields
        self._limits = [word for word in ("max_tokens", "max_new_tokens") if word in fields]

    def llm(self, max_tokens: int) -> tuple[Any, dict[str, Any]]:
        return self._llm.model_copy(update=dict.fromkeys(self._limits, max_tokens)), {}

    def secrets(self) -> list[str]:
        return [value for name, value in vars(self._llm).items() if "key" in name and type(value) is str]


def _given(llm: Any) -> Provider:
    from llama_index.core.base.llms.base import BaseLLM

    if not isinstance(llm, BaseLLM):
        raise ModelError(
            f"{type(llm).__name__} is no language model; give a LlamaIndex LLM, or one of: {FORMS}"
        )
    name = type(llm).__name__
    with contextlib.suppress(Exception):
        name += f":{llm.metadata.model_name}"
    return _Given(name, llm)


class _Other(_Given):
    """A provider that LlamaIndex has a package for."""

    def __init__(self, spec: str, model: str, seconds: float) -> None:
        from llama_index.core.base.llms.base import BaseLLM

        provider = spec.partition(":")[0].replace("-", "_")
        made: list[Any] = [
            cls for cls in vars(package(provider)).values()
            if isinstance(cls, type) and issubclass(cls, BaseLLM)
        ]  # fmt: skip
        wanted = provider.replace("_", "")
        found = min(made, key=lambda cls: cls.__name__.lower() != wanted)  # that, or the first
        self.key_variable = f"{provider.upper()}_API_KEY"
        settings = {"temperature": 0.0, "max_retries": 0, "timeout": seconds, "request_timeout": seconds}
        fields = {name: value for name, value in settings.items() if name in found.model_fields}
        super().__init__(spec, found(model=model, **fields))
