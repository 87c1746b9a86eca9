"""The desk's end of the channels: it asks the supervisor and the workers, and waits no longer than so long."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Self

import trio

from fingerpost.control.channels import MAX_PACKET, Packet, packed, unpacked

SECONDS: Final = 5.0  # for a packet; a worker answers between two of its turns, and its successor is there in one
AHEAD: Final = 4  # packets of one answer that wait to be read


class SilentError(Exception):
    """Nobody answered in time; the text says who did not."""


Take = Callable[[list[str]], Awaitable[None]]  # lines of an answer


@dataclass(slots=True)
class Line:
    """One channel and who waits for answers on it.

    Attributes:
        name: Who is at the other end, for people.
        end: Ours.
    """

    name: str
    end: trio.socket.SocketType
    _waiting: dict[int, trio.MemorySendChannel[Packet]] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    @classmethod
    def over(cls, name: str, end: socket.socket) -> Self:
        """Make one over our end of a pair."""
        return cls(name, trio.socket.from_stdlib_socket(end))

    async def ask(self, verb: str, words: list[str], take: Take) -> str:
        """Ask, and hand the lines of the answer on as they come; return why it was refused, "" if it was not.

        Raises:
            SilentError: No answer came, or not all of it.
        """
        number = next(self._numbers)
        send, receive = trio.open_memory_channel[Packet](AHEAD)
        self._waiting[number] = send
        try:
            with trio.fail_after(SECONDS):
                await self.end.send(packed({"number": number, "verb": verb, "words": words}))
            while True:
                with trio.fail_after(SECONDS):
                    packet = await receive.receive()
                await take(packet["lines"])
                if "status" in packet:
                    return str(packet.get("reason", ""))
        except (trio.TooSlowError, OSError) as error:
            raise SilentError(f"{self.name} does not answer") from error
        finally:
            del self._waiting[number]
            send.close()
            receive.close()

    async def run(self) -> None:
        """Hand out what comes, until cancelled or the other end has gone for good."""
        while octets := await self.end.recv(MAX_PACKET):
            packet = unpacked(octets)
            waiting = self._waiting.get(packet["number"])
            if waiting is None:
                continue  # whoever asked has given up
            with trio.move_on_after(SECONDS):  # of whoever does not read, the rest of the answer is lost
                try:
                    await waiting.send(packet)
                except (trio.ClosedResourceError, trio.BrokenResourceError):
                    continue
