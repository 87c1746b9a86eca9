"""The client library: look an identifier up, through a resolver or by walking here.

    from resolver.client import lookup, walk

    answer = await lookup("+14155550123", server="127.0.0.1#5300", anchor=Path("anchor.pem"))
    answer = await walk("alice@example.com", anchor=Path("anchor.pem"))

Both return an `Answer` (see `resolver.answer`). Under trio. `API_VERSION` goes up when a caller would have to
change; what is not named in `__all__` may change at any time.
"""

from collections.abc import Callable
from pathlib import Path

import trio

from resolver.answer import Answer, Reach, Row, Via, from_judgement
from resolver.asked import Asked
from resolver.finder import Finder
from resolver.settings import Settings
from resolver.stub import Stub, Tries
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from zonedata import identifiers
from zonedata.errors import MalformedError, UntrustedError
from zonedata.identifiers import Csi
from zonedata.judgement import Outcome
from zonedata.opening import Claim
from zonedata.trust import Trust, read_anchor

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "Answer",
    "MalformedError",
    "Outcome",
    "Reach",
    "Row",
    "Settings",
    "Stub",
    "Tries",
    "UnreachableError",
    "UntrustedError",
    "Walker",
    "lookup",
    "walk",
]


class Walker:
    """The same walk as a resolver makes, in the caller's own process; keeps what it learns."""

    def __init__(self, trust: Trust, dialer: Dialer, clock: Clock, settings: Settings | None = None) -> None:
        self._finder = Finder(trust, dialer, clock, settings or Settings())

    async def lookup(self, csi: Csi, observe: Callable[[Asked], None] | None = None) -> Answer:
        """Find out about one identifier; what is verified here is verified.

        Args:
            csi: The identifier.
            observe: Told of every exchange with a server.
        """
        start = trio.current_time()
        found = await (self._finder.find(csi.owner, observe) if observe else self._finder.find(csi.owner))
        claims = [Claim(opened.sealed, opened.statement) for opened in found.judgement.evidence]
        via = Via("", Protocol.UDP, (trio.current_time() - start) * 1000)
        return from_judgement(csi, found.judgement, claims, via)


async def lookup(csi: str, *, server: str = "127.0.0.1#53", anchor: Path | None = None) -> Answer:
    """Ask a resolver, and verify its proof when there is an anchor.

    Args:
        csi: A telephone number or an e-mail address, as people write it.
        server: The resolver's address and port.
        anchor: The trust anchor's file.

    Raises:
        MalformedError: `csi` is no identifier, or the anchor's file is damaged.
        UntrustedError: The anchor is not signed by its own keys.
        UnreachableError: The resolver gave no answer.
    """
    asked = identifiers.parse(csi)
    trust = read_anchor(anchor) if anchor is not None else None
    endpoint = Endpoint.from_text(server)
    async with SocketDialer() as dialer:
        try:
            return await Stub([endpoint], dialer, Clock(), trust=trust).lookup(asked)
        except UnreachableError as error:
            unreachable = error
    raise unreachable  # outside of the dialer's nursery, which would wrap it in a group


async def walk(csi: str, *, anchor: Path, settings: Settings | None = None) -> Answer:
    """Find out without a resolver, from the root's servers that the anchor's file names.

    Raises:
        MalformedError: As `lookup`.
        UntrustedError: As `lookup`.
    """
    asked, trust = identifiers.parse(csi), read_anchor(anchor)
    async with SocketDialer() as dialer:
        return await Walker(trust, dialer, Clock(), settings).lookup(asked)
