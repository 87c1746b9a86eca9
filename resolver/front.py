"""What a resolver answers in place: hits of its packet cache."""

from transport.fast_path import NOT_READY, FastPath
from zonedata.cookies import Cookies
from zonedata.packets import Packets, ready_reply


class Front(FastPath):
    """The fast path of a resolver's datagram listeners (`transport.fast_path.FastPath`).

    Left out: who may ask how much; that is decided before.

    Args:
        packets: Filled by the service.
        cookies: Of the daemon.
    """

    def __init__(self, packets: Packets, cookies: Cookies) -> None:
        self._packets = packets
        self._cookies = cookies

    def answer(  # noqa: PLR0913, PLR0917 - as FastPath
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """See `FastPath.answer`."""
        return ready_reply(self._packets, self._cookies, inbox, at, end, source, outbox, to, now) or NOT_READY
