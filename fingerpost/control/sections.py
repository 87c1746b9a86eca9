"""[control]: where a running daemon is steered, and where it is watched."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fingerpost import readers
from fingerpost.definitions import Given, Key, Section
from fingerpost.toml_lines import Where
from transport.endpoint import Endpoint

_NO_PATH: Path | None = None
_NO_ADDRESSES: tuple[Endpoint, ...] = ()

SOCKET = Key(
    "socket",
    readers.path,
    "path",
    "Unix socket that 'fingerpost ctl' talks to; its directory decides who else may; without it nobody can",
    _NO_PATH,
)
GROUP_MAY = Key(
    "group_may",
    readers.flag,
    "true or false",
    "whether the group of the socket's directory may use it, too (mode 0660 in place of 0600)",
    default=False,
)
HTTP = Key(
    "http",
    readers.list_of(readers.text_as(Endpoint.from_text)),
    "array of ADDRESS#PORT",
    "where /metrics, /health and /ready are told, over HTTP in the clear",
    _NO_ADDRESSES,
)
ALLOW_REMOTE = Key(
    "allow_remote",
    readers.flag,
    "true or false",
    "whether 'http' may have addresses beyond this machine; whoever reaches one reads all the counters",
    default=False,
)
CONTROL = Section("control", "Steering a running daemon, and watching it.", (SOCKET, GROUP_MAY, HTTP, ALLOW_REMOTE))


@dataclass(frozen=True, slots=True)
class ControlPart:
    """Where the daemon is steered and watched."""

    socket: Path | None
    group_may: bool
    http: tuple[Endpoint, ...]

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything for a desk to do."""
        return self.socket is not None or bool(self.http)


def disagreements_of(given: Given) -> Iterator[tuple[Where, str]]:
    """Say where keys do not agree, and why."""
    endpoints = given.get(HTTP) or ()
    for index, endpoint in enumerate(endpoints if not given.get(ALLOW_REMOTE) else ()):
        if not endpoint.is_loopback:
            reason = f"{endpoint.to_text()} is no loopback address; 'allow_remote = true' allows it"
            yield CONTROL.where(HTTP.name, index), reason
    if given.has(GROUP_MAY) and not given.has(SOCKET):
        yield CONTROL.where(GROUP_MAY.name), "has no 'socket' beside it"


UNWATCHED = ControlPart(None, group_may=False, http=())
