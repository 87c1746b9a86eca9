"""Very many look-ups of one resolver over one connection, told in the order in which they were asked.

A shell. Nothing is held but what is in flight and what waits for its turn to be told. Replies are read when they
come and become answers when they are told, so that whoever tells them has the barrier for bugs.
"""

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

import trio

from resolver.answer import Answer, Via
from resolver.reading import Manner, from_reply
from resolver.stub import Tries
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.pipeline import Asked, Connect, Pipeline
from transport.stream_link import connect_stream
from zonedata import names, replies, wire
from zonedata.errors import MalformedError
from zonedata.identifiers import Csi
from zonedata.names import Name
from zonedata.recall import Recall
from zonedata.wire import QType

WAITING = 2_000  # questions begun and not yet told, one of them slow: about 10 MB
_QUESTION = 10  # where it begins in a message after its id: flags and counts are before it
_NO_ID = bytes(2)


L = TypeVar("L")


@dataclass(slots=True, eq=False)
class Turn(Asked, Generic[L]):
    """A place in the order.

    Attributes:
        label: Whatever the caller knows it by.
        csi: What is asked about; None for what is settled without asking, as `manner`.
        manner: How.
        question: The octets of the question, which a reply repeats.
        is_done: Whether it can be told.
        received: The reply; None while there is none, and when there will be none.
        spent: Seconds from asking to having the reply.
        octets: Length of the reply.
        message_id: Of the reply.
    """

    label: L = field(kw_only=True)
    csi: Csi | None = None
    manner: Manner | None = None
    question: bytes = b""
    is_done: bool = False
    received: replies.Received | None = None
    spent: float = 0.0
    octets: int = 0
    message_id: int = 0


class Batch(Generic[L]):
    """Turns in order: asked through a pipeline, or settled by whoever took them.

    One task takes turns with `ask` and `take`, waiting for `wait_room` before each; one tells them with `told`; one
    runs `run`. The first calls `end` in the end.

    Args:
        endpoint: The resolver.
        tries: How long and how often to ask.
        connect: Makes connections.
        protocol: Over what they are: TCP or TLS.
    """

    def __init__(
        self, endpoint: Endpoint, tries: Tries, connect: Connect = connect_stream, protocol: Protocol = Protocol.TCP
    ) -> None:
        self._protocol = protocol
        self._server = endpoint.to_text()
        self._pipeline: Pipeline[Turn[L]] = Pipeline(endpoint, self, tries.seconds, tries.count, connect)
        self._turns: deque[Turn[L]] = deque()  # begun and not yet told, oldest first
        self._recall = Recall()
        self._ready = trio.lowlevel.ParkingLot()  # the teller waits here
        self._room = trio.lowlevel.ParkingLot()  # the asker waits here
        self._is_ended = False
        self._error: Exception | None = None

    async def run(self) -> None:
        """Carry questions until cancelled."""
        await self._pipeline.run()

    @property
    def is_ready(self) -> bool:
        """Whether `told` would return at once with turns."""
        return bool(self._turns) and self._turns[0].is_done

    @property
    def is_idle(self) -> bool:
        """Whether nothing is begun."""
        return not self._turns

    async def wait_room(self) -> None:
        """Wait until one turn more may be taken."""
        while not self._pipeline.room or len(self._turns) >= WAITING:
            await self._room.park()

    def ask(self, turn: Turn[L]) -> None:
        """Take a turn and ask its question."""
        csi, manner = turn.csi, turn.manner
        assert csi is not None and manner is not None, "what is asked is about somebody"  # noqa: PT018 - one thought
        head, tail = _around(manner.qtype, manner.flags, manner.apex)
        body = head + names.to_wire(csi.owner, names.ROOT)[:-1] + tail
        turn.question = body[_QUESTION : -len(wire.OPT)]
        turn.body = wire.padded_query(_NO_ID + body)[len(_NO_ID) :] if self._protocol.is_encrypted else body
        self._turns.append(turn)
        self._pipeline.ask(turn)

    def take(self, turn: Turn[L]) -> None:
        """Take a turn that is done already, or that the caller settles with `settle`."""
        self._turns.append(turn)
        if turn.is_done:
            self.settled()

    def settle(self, turn: Turn[L]) -> None:
        """Say that a turn is done."""
        turn.is_done = True
        self.settled()

    def end(self, error: Exception | None = None) -> None:
        """Say that no more turns come, and why, if `told` is to raise it in the end."""
        self._is_ended = True
        self._error = error
        self.settled()

    async def told(self) -> list[Turn[L]]:
        """Return the next turns in order, once there are some; none at the end."""
        turns = self._turns
        while not (turns and turns[0].is_done):
            if self._is_ended and not turns:
                if self._error is not None:
                    raise self._error
                return []
            await self._ready.park()
        ready = []
        while turns and turns[0].is_done:
            ready.append(turns.popleft())
        self._room.unpark_all()
        return ready

    def answer(self, turn: Turn[L], now: float) -> Answer | UnreachableError:
        """Make the answer of a turn that was asked and is done; proofs are judged at `now`, Unix seconds."""
        if turn.received is None:
            return UnreachableError(self._server, "; ".join(dict.fromkeys(turn.reasons)))
        assert turn.csi is not None and turn.manner is not None, "it was asked"  # noqa: PT018 - one thought
        via = Via(self._server, self._protocol, turn.spent * 1000, turn.octets, turn.received, turn.message_id)
        return from_reply(turn.csi, via, turn.manner, now, self._recall)

    def reasons(self, turn: Turn[L]) -> list[str]:
        """Return why each try that failed brought nothing."""
        return [f"{self._server}: {reason}" for reason in turn.reasons]

    # --- what the pipeline calls -------------------------------------------------------------------------------

    def accept(self, asked: Turn[L], reply_untrusted: bytes, now: float) -> bool:
        """See `Asks`: a reply to exactly this question that can be read."""
        question = asked.question
        if not (
            reply_untrusted.startswith(question, 12)
            and reply_untrusted[2] & 0xF8 == 0x80
            and reply_untrusted[4:6] == b"\0\1"
        ):
            return False
        try:
            asked.received = replies.read_reply(reply_untrusted, 12 + len(question))
        except MalformedError:
            return False
        asked.spent = now - asked.since
        asked.octets = len(reply_untrusted)
        asked.message_id = int.from_bytes(reply_untrusted[:2])
        asked.is_done = True
        return True

    def give_up(self, asked: Turn[L]) -> None:
        """See `Asks`."""
        asked.is_done = True

    def settled(self) -> None:
        """See `Asks`."""
        self._ready.unpark_all()
        self._room.unpark_all()


@lru_cache(maxsize=64)  # as good as one in every batch; an apex has at most 64 octets
def _around(qtype: QType, flags: int, apex: Name) -> tuple[bytes, bytes]:
    """Return what stands before and after the name in a question, without the id."""
    whole = wire.query_wire(names.ROOT, apex, qtype, 0, flags)
    return whole[2:12], whole[12:]
