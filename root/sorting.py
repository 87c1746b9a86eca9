"""Putting a stream of mappings into canonical order with bounded memory: sorted runs on disk, then one merge.

Two lines about one name are a mistake, and both lines are reported.
"""

import heapq
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from zonedata.errors import Fault
from zonedata.mappings import BlockMapping, Mapping
from zonedata.names import Name

RUN = 100_000  # mappings held in memory at a time; about 60 MB

Order = tuple[bool, Name]


def order_of(mapping: Mapping | BlockMapping) -> Order:
    """Return the place of a mapping: blocks first, each kind in canonical order."""
    if isinstance(mapping, Mapping):
        return True, mapping.owner
    return False, mapping.node


def in_order(
    mappings: Iterable[Mapping | BlockMapping], path: Path, report: Callable[[Fault], None], run: int = RUN
) -> Iterator[Mapping | BlockMapping]:
    """Yield the mappings in canonical order, without those that repeat a name; these are reported.

    Args:
        mappings: As they come.
        path: The source, for reports.
        report: Takes every repetition.
        run: Mappings held in memory at a time.
    """
    with tempfile.TemporaryDirectory(prefix="fingerpost-sort-") as place:
        runs: list[Iterator[Mapping | BlockMapping]] = []
        held: list[Mapping | BlockMapping] = []
        for mapping in mappings:
            held.append(mapping)
            if len(held) == run:
                runs.append(_spilled(sorted(held, key=order_of), Path(place) / str(len(runs))))
                held = []
        previous: Mapping | BlockMapping | None = None
        for mapping in heapq.merge(*runs, sorted(held, key=order_of), key=order_of):
            if previous is not None and order_of(previous) == order_of(mapping):
                later, earlier = max(previous.line, mapping.line), min(previous.line, mapping.line)
                field = "csi" if isinstance(mapping, Mapping) else "block"
                report(Fault(path, later, field, f"said before, on line {earlier}; one line a name"))
                continue
            previous = mapping
            yield mapping


def _spilled(ordered: list[Mapping | BlockMapping], path: Path) -> Iterator[Mapping | BlockMapping]:
    with path.open("wb") as file:
        for mapping in ordered:
            pickle.dump(mapping, file, protocol=5)
    return _read_back(path)


def _read_back(path: Path) -> Iterator[Mapping | BlockMapping]:
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)  # noqa: S301 - written by this process a moment ago, in a private directory
            except EOFError:
                return
