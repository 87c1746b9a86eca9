"""Putting streams of listings into canonical order with bounded memory: sorted runs on disk, then one merge.

Two lines about one name are a mistake, and both lines are reported.
"""

import marshal
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from zonedata.errors import Fault
from zonedata.listings import BlockListing, Listing, listing_of
from zonedata.names import Name

RUN = 100_000  # listings held in memory at a time; about 60 MB
CHUNK = 250  # listings of each run held while runs are merged; those of 400 runs take as much as one run
MAX_LINES = 2**40  # of one source; no disk holds more

Order = tuple[bool, Name]
# A listing while it is sorted: its name, its place (source * MAX_LINES + line), then its other fields. Made of
# nothing but the types that marshal writes.
_Record = tuple[Any, ...]
_name_of = itemgetter(0)
_order_of = itemgetter(0, 1)


def order_of(listing: Listing | BlockListing) -> Order:
    """Return the place of a listing: blocks first, each kind in canonical order."""
    if isinstance(listing, Listing):
        return True, listing.owner
    return False, listing.node


def in_order(
    sources: Iterable[tuple[Path, Iterable[Listing | BlockListing]]],
    report: Callable[[Fault], None],
    run: int = RUN,
) -> Iterator[Listing | BlockListing]:
    """Yield all listings in canonical order, of those about one name the first; the others are reported.

    Args:
        sources: Each with its listings, line by line.
        report: Takes every repetition.
        run: Listings of each kind held in memory at a time.
    """
    with tempfile.TemporaryDirectory(prefix="fingerpost-sort-") as place:
        blocks, people = _Runs(Path(place) / "blocks", run), _Runs(Path(place) / "people", run)
        paths: list[Path] = []
        for path, listings in sources:
            base = len(paths) * MAX_LINES
            paths.append(path)
            for listing in listings:
                if isinstance(listing, Listing):
                    line, owner, ssi, features, recipient = listing
                    people.add((owner, base + line, ssi, features, recipient))
                else:
                    node, line = listing.node, base + listing.line
                    blocks.add((node, line, listing.template, listing.lengths, listing.exceptions))
        for records in _once_each(blocks.merged(), paths, "block", report):
            for node, line, template, lengths, exceptions in records:
                yield BlockListing(line % MAX_LINES, node, template, lengths, exceptions)
        for records in _once_each(people.merged(), paths, "csi", report):
            for owner, line, ssi, features, recipient in records:
                yield listing_of((line % MAX_LINES, owner, ssi, features, recipient))


def _once_each(
    pieces: Iterable[list[_Record]], paths: list[Path], field: str, report: Callable[[Fault], None]
) -> Iterator[list[_Record]]:
    """Pass on the first of each name."""
    kept: _Record = (None,)
    firsts: dict[int, int] = {}  # source -> line, where the name of the one kept was said first
    for piece in pieces:
        names = set(map(_name_of, piece))
        if len(names) == len(piece) and kept[0] not in names:
            kept = piece[-1]
            firsts = dict([divmod(kept[1], MAX_LINES)])
            yield piece
            continue
        unique = []
        for record in piece:
            source, line = divmod(record[1], MAX_LINES)
            if record[0] != kept[0]:
                kept, firsts = record, {source: line}
                unique.append(record)
                continue
            before = f"on line {firsts[source]}" if source in firsts else _elsewhere(kept, paths)
            firsts.setdefault(source, line)
            report(Fault(paths[source], line, field, f"said before, {before}; one line a name"))
        yield unique


def _elsewhere(record: _Record, paths: list[Path]) -> str:
    source, line = divmod(record[1], MAX_LINES)
    return f"in {paths[source]} on line {line}"


class _Runs:
    """Records of one kind, in memory up to a bound and beyond that in files, each sorted in itself."""

    def __init__(self, place: Path, most: int) -> None:
        self._place = place
        self._most = most
        self._held: list[_Record] = []
        self._files: list[Path] = []

    def add(self, record: _Record) -> None:
        """Take a record; they come in ascending order of their places."""
        self._held.append(record)
        if len(self._held) == self._most:
            self._spill()

    def _spill(self) -> None:
        self._held.sort(key=_name_of)
        path = self._place.with_suffix(f".{len(self._files)}")
        with path.open("wb") as file:
            for chunk in _chunks(self._held):
                octets = marshal.dumps(chunk)
                file.write(len(octets).to_bytes(8, "big") + octets)
        self._files.append(path)
        self._held = []

    def merged(self) -> Iterator[list[_Record]]:
        """Yield all records by name, those of one name by place; some at a time."""
        self._held.sort(key=_name_of)
        waiting = [*map(_read_back, self._files), _chunks(self._held)]
        heads: list[list[_Record]] = [[] for _ in waiting]
        while True:
            for index, chunks in enumerate(waiting):
                heads[index] = heads[index] or next(chunks, [])
            if not any(heads):
                return
            # Whatever is not yet read of a run is not before the last that has been read of it.
            bound = min(_order_of(head[-1]) for head in heads if head)
            ready = []
            for index, head in enumerate(heads):
                end = bisect_right(head, bound, key=_order_of)
                ready += head[:end]
                heads[index] = head[end:]
            ready.sort(key=_name_of)  # a few ascending pieces, the earlier places before the later: a merge
            yield ready


def _chunks(ordered: list[_Record]) -> Iterator[list[_Record]]:
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))


def _read_back(path: Path) -> Iterator[list[_Record]]:
    with path.open("rb") as file:
        while length := file.read(8):
            # Written by this process a moment ago, in a private directory. From octets: from a file it would read
            # every number and every text by itself, at three times the time.
            yield marshal.loads(file.read(int.from_bytes(length, "big")))  # noqa: S302 - as the comment says
