"""What a resolver answers in place: hits of its packet cache, and nothing to those who ask too often."""

from transport.fast_path import NOT_READY, FastPath
from transport.rates import PASSES, SLIP, Rates
from zonedata.packets import Packets, cut_short_reply, ready_reply


class Front(FastPath):
    """The fast path of a resolver's datagram listeners (`transport.fast_path.FastPath`).

    Args:
        packets: Filled by the service.
        rates: Of the daemon's clients.
    """

    def __init__(self, packets: Packets, rates: Rates) -> None:
        self._packets = packets
        self._rates = rates

    def answer(  # noqa: PLR0913, PLR0917 - as FastPath
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """See `FastPath.answer`."""
        verdict = self._rates.verdict(source, now)
        if verdict != PASSES:
            return cut_short_reply(bytes(inbox[at:end]), outbox, to) if verdict == SLIP else 0
        return ready_reply(self._packets, inbox, at, end, outbox, to, now) or NOT_READY
