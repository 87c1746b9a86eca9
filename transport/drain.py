"""The innermost loop: go over a batch of datagrams, answer in place what has a ready answer, hand on the rest.

Compiled where there is a compiler (see `setup.py`), and the same source runs without.
"""

from collections.abc import Callable

from transport.batch import STRIDE, Batch
from transport.datagram import MAX_DATAGRAM
from transport.fast_path import NOT_READY, FastPath

Slow = Callable[
    [bytes, int], "bytes | None"
]  # the message, and its slot in the batch; the answer, if there is one at once


class Tally:
    """What came of the datagrams of a socket so far, counted up by `drain`."""

    def __init__(self) -> None:
        self.received = 0
        self.oversized = 0
        self.fast = 0
        self.answered = 0
        self.silent = 0
        self.send_errors = 0


def drain(batch: Batch, fast: FastPath, slow: Slow, now: float, tally: Tally) -> int:
    """Take what waits, at most a batch of it, and answer; return how many datagrams there were.

    Args:
        batch: Of the socket.
        fast: Has ready answers.
        slow: Takes what `fast` does not answer; it may return an answer of at most MAX_DATAGRAM octets.
        now: Unix seconds.
        tally: Is counted up.

    Raises:
        OSError: As `Batch.receive`.
    """
    count = batch.receive()
    inbox = batch.inbox
    outbox = batch.outbox
    lengths: list[int] = batch.lengths[:count].tolist()
    out_lengths = batch.out_lengths
    sources: tuple[bytes, ...] = batch.ips[count].unpack_from(batch.sources)
    stride: int = STRIDE  # of modules that are not compiled: looked up once
    most: int = MAX_DATAGRAM
    out = 0
    oversized = 0
    ready = 0
    silent = 0
    for slot in range(count):
        length = lengths[slot]
        if length > most:
            oversized += 1
            continue
        at = slot * stride
        to = out * stride
        octets = fast.answer(inbox, at, at + length, sources[slot], outbox, to, now)
        if octets == NOT_READY:
            reply = slow(bytes(inbox[at : at + length]), slot)
            if reply is None:
                continue
            octets = len(reply)
            outbox[to : to + octets] = reply
        elif octets == 0:
            silent += 1
            continue
        else:
            ready += 1
        out_lengths[out] = octets
        if out != slot:
            batch.address(out, slot)
        out += 1
    sent = batch.send(out) if out else 0
    tally.received += count - oversized
    tally.oversized += oversized
    tally.fast += ready
    tally.silent += silent
    tally.answered += sent
    tally.send_errors += out - sent
    return count
