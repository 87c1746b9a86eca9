"""What was shown and not believed, as lines of the log: every kind of fault of a party, and not too often. Pure.

Whoever answers us can make us refuse something at every question, so a fault becomes one line a minute with how
often it was so, and what there is to say has a bound, of which nobody can take all. A fault is told by what the
party does not choose: the step, the kind, the party. The reason has words of theirs in it, and the latest is shown.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zonedata.opening import Refusal

EVERY = 60.0  # seconds between two lines about the same
MAX_KNOWN = 1_000  # faults remembered; the one that was said first gives way
MAX_LINES = 20  # of one second: enough to see what is wrong with several parties at once
MAX_OF_PARTY = 4  # of these about one party, so that one with many faults leaves room for others
MAX_OF_SORT = 10  # about one step and kind: a registry may bind parties without number, all with one fault

_Fault = tuple[int, str, str]  # step, kind, party


@dataclass(slots=True)
class _Said:
    """When it was said last, and how often it has been so since then."""

    at: float
    since: int = 0


class Complaints:
    """Remembers what was said. One for each resolver."""

    def __init__(self) -> None:
        self._said: OrderedDict[_Fault, _Said] = OrderedDict()
        self._second = 0
        self._lines = 0
        self._of: Counter[object] = Counter()  # lines of this second, by party and by sort
        self._unsaid = 0

    def about(self, refusals: Iterable[Refusal], now: float) -> Iterator[str]:
        """Yield the lines that are to be written now.

        Of refusals for which there was no room in a second the number is told with the next refusal after it.

        Args:
            refusals: What one search did not believe.
            now: Unix seconds.
        """
        for refusal in refusals:
            yield from self._begin(int(now))
            kind = refusal.kind.name.lower() if refusal.kind is not None else "unknown"
            fault = (int(refusal.step), kind, refusal.about)
            said = self._said.get(fault)
            if said is not None and now - said.at < EVERY:
                said.since += 1
                continue
            if not self._may_say(fault):
                self._unsaid += 1
                continue
            self._said.pop(fault, None)
            if len(self._said) >= MAX_KNOWN:
                self._said.popitem(last=False)
            self._said[fault] = _Said(now)
            step = f"step={fault[0]} name={refusal.step.name.lower()} kind={kind}"
            more = f" more={said.since}" if said is not None and said.since else ""
            yield f"event=refused {step} party={json.dumps(refusal.about)} reason={json.dumps(refusal.why)}{more}"

    def _begin(self, second: int) -> Iterator[str]:
        """Begin another second, and say what was left unsaid until then."""
        if second == self._second:
            return
        self._second, self._lines = second, 0
        self._of.clear()
        if self._unsaid:
            yield f"event=refused-unsaid count={self._unsaid}"
            self._unsaid = 0

    def _may_say(self, fault: _Fault) -> bool:
        party, sort = fault[2], fault[:2]
        has_room = self._lines < MAX_LINES and self._of[party] < MAX_OF_PARTY and self._of[sort] < MAX_OF_SORT
        if has_room:
            self._lines += 1
            self._of.update((party, sort))
        return has_room
