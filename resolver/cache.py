"""What a resolver remembers: proven objects by name, and whole answers ready to be laid out.

Owned by one resolver, in memory. Trusted for: what was verified on the way in is not verified again. Its loss
costs questions upstream. Nothing in it outlives anything above it in its chain: every entry's `keep` was the
least of its own and its chain's when it came in, and an answer's is the least of all it stands on.
"""

from dataclasses import dataclass

from resolver.settings import Settings
from zonedata.holdings import Holdings
from zonedata.judgement import Judgement
from zonedata.names import Name

SILENCE_KEPT = 5.0  # seconds for which an incomplete answer is given again without asking (RFC 9520)
SWEEP_EVERY = 60.0  # seconds between two looks for what has ended


@dataclass(frozen=True, slots=True)
class Found:
    """An answer as the resolver keeps it.

    Attributes:
        judgement: What the question came to.
        refused: What was shown and refused, for clients that set CD.
        keep: Unix seconds until which it may be given.
        found: Unix seconds at which it was found.
    """

    judgement: Judgement
    refused: tuple[bytes, ...]
    keep: float
    found: float


class Cache:
    """Proven objects and ready answers, bounded."""

    def __init__(self, settings: Settings) -> None:
        self.held = Holdings()
        self._answers: dict[Name, Found] = {}  # oldest first
        self._settings = settings
        self._swept = 0.0

    def answer(self, owner: Name, now: float) -> Found | None:
        """Return the ready answer about an owner."""
        found = self._answers.get(owner)
        return found if found is not None and found.keep > now else None

    def forget_answers(self) -> None:
        """Drop the ready answers; what they were made of stays, as far as it still counts."""
        self._answers.clear()

    def put(self, owner: Name, found: Found, now: float) -> None:
        """Keep an answer; the oldest give way."""
        self._answers.pop(owner, None)
        if found.keep > now:
            while len(self._answers) >= self._settings.max_answers:
                del self._answers[next(iter(self._answers))]
            self._answers[owner] = found
        self._bound(now)

    def _bound(self, now: float) -> None:
        """Let go of what has ended, now and then, and of the oldest when there is too much."""
        said = self.held.said
        while len(said) > self._settings.max_said:
            del said[next(iter(said))]
        if now - self._swept < SWEEP_EVERY:
            return
        self._swept = now
        for owner in [owner for owner, found in self._answers.items() if found.keep <= now]:
            del self._answers[owner]
        for key in [key for key, held in said.items() if all(opened.keep <= now for opened in held.all())]:
            del said[key]
        zones = self.held.zones
        for principal in [principal for principal, zone in zones.items() if zone.sweep(now) and not len(zone)]:
            del zones[principal]
        while sum(map(len, zones.values())) > self._settings.max_zone:
            del zones[max(zones, key=lambda principal: len(zones[principal]))]
