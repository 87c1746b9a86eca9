"""What was shown and not believed, as lines of the log: every kind of fault of a party, and not too often. Pure.

Whoever answers us can make us refuse something at every question, so equal refusals become one line a minute with
their number, and what there is to say has a bound, too.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zonedata.opening import Refusal

EVERY = 60.0  # seconds between two lines about the same
MAX_KNOWN = 1_000  # faults remembered; the one that was said first gives way
MAX_LINES = 20  # of one second: enough to see what is wrong with several parties at once

_Fault = tuple[int, str, str, str]  # step, kind, party, why


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

    def about(self, refusals: Iterable[Refusal], now: float) -> Iterator[str]:
        """Yield the lines that are to be written now.

        Args:
            refusals: What one search did not believe.
            now: Unix seconds.
        """
        for refusal in refusals:
            kind = refusal.kind.name if refusal.kind is not None else "unknown"
            fault = (int(refusal.step), kind, refusal.about, refusal.why)
            said = self._said.get(fault)
            if said is not None and now - said.at < EVERY:
                said.since += 1
                continue
            if not self._may_say(now):
                continue
            self._said.pop(fault, None)
            if len(self._said) >= MAX_KNOWN:
                self._said.popitem(last=False)
            self._said[fault] = _Said(now)
            step = f"step={fault[0]} name={refusal.step.name.lower()} kind={kind.lower()}"
            more = f" more={said.since}" if said is not None and said.since else ""
            yield f"event=refused {step} party={json.dumps(fault[2])} reason={json.dumps(fault[3])}{more}"

    def _may_say(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._lines = int(now), 0
        self._lines += 1
        return self._lines <= MAX_LINES
