"""What a resolver remembers: statements of zones by name, what was proven, and what gave no proof a moment ago.

Three layers: answers that lack something, for some seconds, so that nobody is asked again and again in vain; the
statements of zones, decoded, over which every path is followed; and the store of what was proven (`proven`), which
outlives the process where it has a file. In front of them are replies ready to be sent (`zonedata.packets`).

A complete answer of few authorities is not kept itself. All that it stands on is in the other two, from where it is
found again and nobody is asked, and a million trees of objects would be the collector's to go through.

Trusted for: what was verified on the way in is not verified again. Its loss costs questions upstream. Nothing in it
outlives anything above it in its chain: every entry's `keep` was the least of its own and its chain's when it came
in, and an answer's is the least of all it stands on.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Self

from resolver.proven.memory import MemoryProven
from resolver.proven.store import Proven
from resolver.remembered import InMemory, Remembers
from resolver.settings import Settings
from zonedata.holdings import Holdings
from zonedata.judgement import Judgement
from zonedata.names import Name
from zonedata.packets import Packets
from zonedata.sealed import Sealed

SILENCE_KEPT: Final = 5.0  # seconds for which an incomplete answer is given again without asking (RFC 9520)
FEW: Final = 8  # rows of an answer; each costs some 20 us when it is found again
SWEEP_EVERY: Final = 60.0  # seconds between two looks for what has ended
ANSWER_OCTETS: Final = 2_500  # of an answer with its lists and one statement, as the interpreter keeps them
STATEMENT_OCTETS: Final = 1_200  # of each statement it has, besides its body


@dataclass(slots=True)  # one a look-up: decision 0016
class Found:
    """An answer as the resolver keeps it.

    Attributes:
        judgement: What the question came to.
        refused: What was shown and refused, for clients that set CD.
        keep: Unix seconds until which it may be given.
        found: Unix seconds at which it was found.
        parts: What each tree came to, where the resolver holds several; the judgement is all of it together.
    """

    judgement: Judgement
    refused: tuple[bytes, ...]
    keep: float
    found: float
    parts: tuple["Part", ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several trees came to.

    Attributes:
        tree: Its id.
        name: What the operator calls it.
        found: The answer in it.
        chain: Later versions of its ROOTKEYS than the anchor's.
    """

    tree: bytes
    name: str
    found: Found
    chain: tuple[Sealed, ...]


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a resolver keeps what others may see too: its listeners, its successors, other processes.

    Attributes:
        packets: Replies ready to be sent.
        proven: Statements that were verified.
        rootkeys: The newest version of the root's keys that was verified.
    """

    packets: Packets
    proven: Proven
    rootkeys: Remembers = field(default_factory=InMemory)

    @classmethod
    def in_memory(cls, tree: bytes) -> Self:
        """Make some for this process alone.

        Args:
            tree: Id of the trust anchor.
        """
        return cls(Packets(), MemoryProven(tree))


class Cache:
    """What a resolver remembers, bounded by octets."""

    def __init__(self, settings: Settings, proven: Proven) -> None:
        self.held = Holdings()  # of zones alone; what was said about people is held by each search
        self.proven = proven
        self._answers: OrderedDict[Name, Found] = OrderedDict()  # oldest first
        self._answers_octets = 0
        self._settings = settings
        self._swept = 0.0

    def answer(self, owner: Name, now: float) -> Found | None:
        """Return what was found about an owner a moment ago, if it must not be sought again yet."""
        found = self._answers.get(owner)
        return found if found is not None and found.keep > now else None

    def forget_answers(self) -> None:
        """Drop the ready answers; what they were made of stays, as far as it still counts."""
        self._answers.clear()
        self._answers_octets = 0

    def put(self, owner: Name, found: Found, now: float) -> None:
        """Keep an answer that lacks something, or is dear to find again; the oldest give way."""
        if owner in self._answers:
            self._drop(owner)
        if found.keep > now and _is_to_be_kept(found):
            self._answers[owner] = found
            self._answers_octets += _octets_of(found)
            while self._answers_octets > self._settings.answers_octets:
                self._drop(next(iter(self._answers)))
        if now - self._swept >= SWEEP_EVERY:
            self._sweep(now)

    def _drop(self, owner: Name) -> None:
        found = self._answers.pop(owner, None)
        if found is not None:
            self._answers_octets -= _octets_of(found)

    def _sweep(self, now: float) -> None:
        """Let go of what has ended, and of the fattest zones when there is too much."""
        self._swept = now
        for owner in [owner for owner, found in self._answers.items() if found.keep <= now]:
            self._drop(owner)
        zones = self.held.zones
        for principal in [principal for principal, zone in zones.items() if zone.sweep(now) and not len(zone)]:
            zones.pop(principal).drop()
        while sum(zone.octets for zone in zones.values()) > self._settings.zones_octets:
            zones.pop(max(zones, key=lambda principal: zones[principal].octets)).drop()


def _is_to_be_kept(found: Found) -> bool:
    """Say whether it cannot be found again from what was proven, or not as quickly."""
    judgement = found.judgement
    return bool(found.refused) or not judgement.complete or len(judgement.findings) > FEW


def _octets_of(found: Found) -> int:
    statements = [finding.opened for finding in found.judgement.findings if finding.opened is not None]
    refused = sum(map(len, found.refused))
    return ANSWER_OCTETS + refused + sum(STATEMENT_OCTETS + len(one.sealed.body) for one in statements)
