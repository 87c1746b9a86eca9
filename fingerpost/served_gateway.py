"""A gateway as a daemon serves it: beside what it answers over HTTPS, and out of the same routes."""

from collections import Counter
from collections.abc import Mapping

from fingerpost.gateway_sections import ObliviousPart
from fingerpost.oblivious_keys import FileRing
from transport.http2.routes import Route, Routes
from transport.oblivious.gateway import Gateway
from transport.oblivious.places import WELL_KNOWN
from transport.oblivious.seen import Seen
from transport.oblivious.sizes import MAX_SEALED_REQUEST
from transport.oblivious.target import sealed_target


class ServedGateway:
    """What [oblivious] names; made before workers are forked, so that a request that one has seen all have seen.

    Args:
        part: Whose it is, and its keys.

    Raises:
        UntrustedError, MalformedError: The file of keys is none, or others may read it.
    """

    def __init__(self, part: ObliviousPart) -> None:
        self._authority = part.authority
        self._keys = FileRing(part.keys)
        self._seen = Seen()
        self._gateways: list[Gateway] = []  # of this process, one for each listener

    def beside(self, table: Mapping[str, Route]) -> dict[str, Route]:
        """Return a table of routes with the gateway's beside them; they are what can be asked sealed."""
        gateway = Gateway(self._authority, self._keys, self._seen, sealed_target(Routes(table)))
        self._gateways.append(gateway)
        return {**table, WELL_KNOWN: Route(gateway.handle, ("GET", "POST"), MAX_SEALED_REQUEST)}

    def statistics(self) -> dict[str, int]:
        """Return the counters of this process as they are now."""
        total: Counter[str] = Counter()
        for gateway in self._gateways:
            total.update(gateway.statistics())
        return dict(total)
