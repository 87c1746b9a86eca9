"""What stands before a handler in the innermost loop: answers datagrams in place, out of what is ready.

A class of its own, and none that merely looks like one (`typing.Protocol`), so that compiled loops call it without
making objects of numbers.
"""

from typing import Final

NOT_READY: Final = -1  # of `FastPath.answer`: nothing is ready, the handler is to be asked


class FastPath:
    """Answers datagrams in place; asked before the handler. This one has nothing ready, those of daemons have.

    It takes and gives numbers and buffers. Like a handler it never waits and never raises.
    """

    def answer(  # noqa: PLR0913, PLR0917 - numbers into buffers instead of slices of them, which cost as much as the rest
        self, inbox: memoryview, at: int, end: int, source: bytes, outbox: memoryview, to: int, now: float, /
    ) -> int:
        """Answer the message at `inbox[at:end]` into `outbox[to:]`, which has room for any datagram.

        Args:
            inbox: Has the message.
            at: Where it begins.
            end: Where it ends.
            source: The 4 or 16 octets of the IP address it says it comes from. Nothing proves that.
            outbox: Takes the answer; what stands behind it, as far as a datagram may reach, is anybody's.
            to: Where it is to begin.
            now: Unix seconds.

        Returns:
            The octets of the answer, 0 to stay silent, NOT_READY when the handler is to be asked.
        """
        del inbox, at, end, source, outbox, to, now
        return NOT_READY
