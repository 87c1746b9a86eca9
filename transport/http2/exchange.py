"""One request and its response, as a server sees them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from transport.http2.messages import Request


class Stage(Enum):
    """How far an exchange has come."""

    RECEIVING = auto()
    WAITING = auto()  # whole, and not yet given out
    RUNNING = auto()
    REPLYING = auto()
    DRAINING = auto()  # answered, while the client is still sending what nobody reads


@dataclass(slots=True)
class Exchange:
    """A stream that the client has not given up.

    Attributes:
        head: The request without its body.
        since: When its stage began; of RECEIVING, when it was opened.
        most: How long its body may be, in octets.
        stage: How far it has come.
        body: What of it has come; nothing once it was given out.
        held: Octets of the client's window that its body takes.
        has_ended: Whether the client has said all.
    """

    head: Request
    since: float
    most: int = 0
    stage: Stage = Stage.RECEIVING
    body: bytearray = field(default_factory=bytearray)
    held: int = 0
    has_ended: bool = False


def head_of(headers: Iterable[tuple[bytes, bytes]]) -> Request:
    """Return a request without its body; h2 has seen to it that no pseudo-header is there twice."""
    pseudo = {name: value for name, value in headers if name.startswith(b":")}
    path, _, query = pseudo.get(b":path", b"").decode("latin-1").partition("?")  # CONNECT has none
    others = tuple((name, value) for name, value in headers if not name.startswith(b":"))
    return Request(pseudo[b":method"].decode("latin-1"), path, query, others)
