"""Where boxes and arrows of a picture come to stand. Pure.

Columns have one width, and gutters between them; bands are as high as their highest box, and lanes lie between
them. Arrows run in gutters and lanes alone, so none crosses a box. Lengths are in pixels.
"""

from dataclasses import dataclass
from textwrap import wrap
from unicodedata import east_asian_width

from resolver.explain.boxes import Arrow, Box, Drawing
from resolver.explain.lines import Mark
from resolver.explain.words import plain

WIDTH = 252  # of a box
GUTTER = 40
LANE = 52
MARGIN = 24
PAD = 9  # inside a box
TITLE_HEIGHT, LINE_HEIGHT = 18, 14
COLUMNS = 33  # characters of a line in a box, at 7 pixels
MAX_LINES = 3  # into which one text is broken; the whole stands in the box's title
STEPS = 7  # arrows side by side in a lane or a gutter before they share a way
STEP = 4
APART = 10  # arrows from different boxes at the top of one


@dataclass(frozen=True, slots=True)
class Placed:
    """A box where it stands."""

    mark: Mark
    title: str
    lines: tuple[str, ...]
    whole: str
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Way:
    """An arrow as a line through points."""

    mark: Mark
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """All of it, below and right of (0, 0)."""

    boxes: tuple[Placed, ...]
    ways: tuple[Way, ...]
    width: int
    height: int


def lay_out(drawing: Drawing) -> Layout:
    """Give every box and every arrow its place."""
    texts = [_fitted(box) for box in drawing.boxes]
    heights = [2 * PAD + TITLE_HEIGHT + LINE_HEIGHT * len(lines) for _, lines in texts]
    highest = [0] * drawing.bands
    for box, height in zip(drawing.boxes, heights, strict=True):
        highest[box.band] = max(highest[box.band], height)
    tops, bottoms, y = [], [], MARGIN
    for height in highest:
        tops.append(y)
        bottoms.append(y + height)
        y = bottoms[-1] + LANE
    placed = [
        Placed(box.mark, title, lines, _whole(box), _left(box.column), tops[box.band], height)
        for box, (title, lines), height in zip(drawing.boxes, texts, heights, strict=True)
    ]
    ways = [_way(arrow, drawing.boxes, placed, tops, bottoms) for arrow in drawing.arrows]
    width = 2 * MARGIN + drawing.columns * (WIDTH + GUTTER)
    return Layout(tuple(placed), tuple(ways), width, max(bottoms, default=0) + MARGIN)


def _left(column: int) -> int:
    return MARGIN + GUTTER // 2 + column * (WIDTH + GUTTER)


def _way(arrow: Arrow, boxes: list[Box], placed: list[Placed], tops: list[int], bottoms: list[int]) -> Way:
    start, end = boxes[arrow.start], boxes[arrow.end]
    from_, to = placed[arrow.start], placed[arrow.end]
    x1, y1, x2, y2 = from_.x + WIDTH // 2, from_.y + from_.height, to.x + WIDTH // 2, to.y
    shift = arrow.start % STEPS * STEP
    lane = bottoms[start.band] + 10 + shift
    if start.column != end.column:
        x2 += (arrow.start % STEPS - STEPS // 2) * APART
    if end.band == start.band + 1:
        points = [(x1, y1), (x2, y2)] if x1 == x2 else [(x1, y1), (x1, lane), (x2, lane), (x2, y2)]
    else:
        gutter = to.x - GUTTER // 2 - STEPS // 2 * STEP + shift
        before = tops[end.band] - LANE + 10 + shift
        points = [(x1, y1), (x1, lane), (gutter, lane), (gutter, before), (x2, before), (x2, y2)]
    return Way(arrow.mark, tuple(points))


def _whole(box: Box) -> str:
    return plain("\n".join([f"{box.title} ({box.mark})", *box.lines]).replace("\n", "; "))


def _fitted(box: Box) -> tuple[str, tuple[str, ...]]:
    lines = [line for text in box.lines for line in _broken(plain(text))]
    return _cut(plain(box.title)), tuple(lines)


def _broken(text: str) -> list[str]:
    """Break a text into lines as wide as a box, as many as it may have."""
    narrow = COLUMNS if text.isascii() else COLUMNS // 2
    lines = wrap(text, narrow, break_on_hyphens=False) or [""]
    return lines if len(lines) <= MAX_LINES else [*lines[: MAX_LINES - 1], _cut(" ".join(lines[MAX_LINES - 1 :]))]


def _cut(text: str) -> str:
    """Cut a text to a line's width."""
    room, kept = COLUMNS, list[str]()
    for character in text:
        room -= 2 if east_asian_width(character) in "WF" else 1
        if room < 1:
            return "".join(kept) + "\N{HORIZONTAL ELLIPSIS}"
        kept.append(character)
    return text
