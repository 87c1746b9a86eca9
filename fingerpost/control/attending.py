"""A worker's end of the channel to the desk: it is asked, and answers line by line, a packet of lines at a time."""

import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import trio

from fingerpost.control.channels import MAX_PACKET, Packet, packed, unpacked

FULL: Final = MAX_PACKET // 4  # octets of lines after which a packet is sent; a line may take half a packet more
MAX_LINE: Final = 4_096  # characters; the rest of a longer one is left out

Verb = Callable[[list[str]], Iterable[str]]  # from words to lines; raises RefusedError

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """What was asked for cannot be had; the reason is for whoever asked."""


async def attend(end: socket.socket, verbs: Mapping[str, Verb]) -> None:
    """Answer the desk until cancelled."""
    ear = trio.socket.from_stdlib_socket(end)
    while True:
        octets = await ear.recv(MAX_PACKET)
        if not octets:
            return  # the supervisor has gone, and the desk with it
        asked = unpacked(octets)
        try:
            await _answer(ear, asked, verbs)
        except OSError:
            log.warning("event=desk-gone verb=%s", asked["verb"])


async def _answer(ear: trio.socket.SocketType, asked: Packet, verbs: Mapping[str, Verb]) -> None:
    number = asked["number"]
    lines: list[str] = []
    octets = 0
    try:
        for line in verbs[asked["verb"]](asked["words"]):
            lines.append(line[:MAX_LINE])
            octets += len(lines[-1].encode()) + 5  # as many go before a text
            if octets >= FULL:
                await ear.send(packed({"number": number, "lines": lines}))
                lines, octets = [], 0
        end: Packet = {"number": number, "lines": lines, "status": 0}
    except RefusedError as error:
        end = {"number": number, "lines": lines, "status": 1, "reason": str(error)}
    except OSError:
        raise
    except Exception:  # the barrier: a bug must cost one answer, not the worker
        log.exception("event=internal-error part=control verb=%s", asked["verb"])
        end = {"number": number, "lines": lines, "status": 1, "reason": "a bug of ours; the log has it"}
    await ear.send(packed(end))
