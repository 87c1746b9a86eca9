"""The supervisor's end of its channel to the desk: what it is asked, and what it says."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from fingerpost.control.channels import MAX_PACKET, Packet, packed, unpacked


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker, for people.

    Attributes:
        name: Who it is, such as "worker 0".
        pid: Of its process; None while it is dead.
        seconds: For which it has been there.
        deaths: Of its predecessors.
        is_ready: Whether it answers questions.
    """

    name: str
    pid: int | None
    seconds: float
    deaths: int
    is_ready: bool

    def to_text(self) -> str:
        """Write it as one line."""
        state = "not running" if self.pid is None else f"pid {self.pid}, running {self.seconds:.0f} s"
        waiting = "" if self.is_ready or self.pid is None else ", not ready"
        return f"{self.name}: {state}{waiting}, {self.deaths} died before it"


class Steered(Protocol):
    """A supervisor, as far as it is steered."""

    def states(self, now: float) -> list[WorkerState]:
        """Return its workers; `now` in seconds of the monotonic clock."""
        ...

    @property
    def is_ending(self) -> bool:
        """Whether it has been told to end."""
        ...

    def reload(self) -> None:
        """Reload, and have all workers reload."""
        ...

    def end(self) -> None:
        """Have all workers end, and end."""
        ...


class Steering:
    """Answers the desk.

    Args:
        end: Of the channel; does not block.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._verbs: dict[str, Callable[[Steered], Packet]] = {
            "status": _status,
            "ready": _ready,
            "reload": _reload,
            "stop": _stop,
        }

    def fileno(self) -> int:
        """Return the descriptor to poll for reading."""
        return self._end.fileno()

    def attend(self, steered: Steered) -> None:
        """Answer one packet, if there is one. A desk that does not read loses the answer."""
        with suppress(BlockingIOError, ConnectionError):
            asked = unpacked(self._end.recv(MAX_PACKET))
            self._end.send(packed({"number": asked["number"], "lines": []} | self._verbs[asked["verb"]](steered)))


def _status(steered: Steered) -> Packet:
    return {"lines": [state.to_text() for state in steered.states(time.monotonic())], "status": 0}


def _ready(steered: Steered) -> Packet:
    if steered.is_ending:
        return {"status": 1, "reason": "ending"}
    absent = [state.name for state in steered.states(time.monotonic()) if not state.is_ready]
    if absent:
        return {"status": 1, "reason": f"not ready: {', '.join(absent)}"}
    return {"status": 0}


def _reload(steered: Steered) -> Packet:
    if steered.is_ending:
        return {"status": 1, "reason": "ending"}
    steered.reload()
    return {"status": 0}


def _stop(steered: Steered) -> Packet:
    steered.end()
    return {"status": 0}
