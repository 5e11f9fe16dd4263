"""The network is off: a connection to anything but this machine fails, whoever asks for it."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

pytest_plugins = ["qa_fixtures"]

os.environ["HF_HUB_OFFLINE"] = "1"  # of processes that tests start, where no fixture reaches


class NetworkIsOff(RuntimeError):
    """A test tried to reach another machine. No OSError, so that nothing tries again."""


def is_here(host: object) -> bool:
    """Whether an address is this machine's own."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in ("localhost", "", "None"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Let sockets reach loopback and local files only; names of other machines are not looked up."""
    patch = pytest.MonkeyPatch()

    def guard(name: str) -> None:
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, *args: Any) -> Any:
            address = args[-1]
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
                raise NetworkIsOff(f"{name} to {address}")
            return real(self, *args)

        patch.setattr(socket.socket, name, guarded)

    for name in ("connect", "connect_ex", "sendto"):
        guard(name)
    lookup = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("0.0.0.0", "::") and not is_here(host):
            raise NetworkIsOff(f"look-up of {host!r}")
        return lookup(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    patch.undo()
