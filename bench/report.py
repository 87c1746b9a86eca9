"""The results as Markdown: what was measured, on what, and the ratios. Pure."""

from collections.abc import Iterable, Sequence

from bench.plots import pictures_of
from bench.results import Comparison, Measured, Metric, Record, Row
from bench.rounds import Spread

LEFT_OUT = "-"
HEAD = """\
# Results

Made by `make bench`; how, and how each program is set up, is in [bench/README.md](../README.md). Each figure is the
median over the rounds with the least and the most in brackets. Each ratio is ours divided by theirs within one
round; given is the median over the rounds, with the least and the most. For costs more than 1 means that ours costs
more.
"""


def markdown(records: Iterable[Record]) -> str:
    """Write all of it."""
    held = list(records)
    parts = [HEAD]
    if held:
        parts.append(_machine(held[-1]))
    parts += [_benchmark(record) for record in held]
    return "\n".join(parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _machine(record: Record) -> str:
    rows = [(word, value) for word, value in record.machine.items()]
    return "## The machine\n\n" + "".join(f"- {word}: {value}\n" for word, value in rows)


def _benchmark(record: Record) -> str:
    measured = record.measured
    sizes = ", ".join(f"{word} {_plain(value)}" for word, value in record.options.items())
    parts = [f"## {measured.title}\n", f"{measured.method}\n", _figures(measured)]
    if compared := _ratios(measured):
        parts.append(compared)
    parts += [f"![{picture.title}]({picture.file})\n" for picture in pictures_of(measured)]
    program = f"Fingerpost {record.machine.get('Fingerpost', '?')}"
    parts.append(f"<sub>{record.when}, {record.seconds:.0f} s in all; {program}; {sizes}</sub>\n")
    return "\n".join(parts)


def _plain(value: object) -> str:
    return "/".join(map(_plain, value)) if isinstance(value, list | tuple) else f"{value:,}"


def _figures(measured: Measured) -> str:
    heads = ["", *(metric.heading for metric in measured.metrics)]
    notes = any(row.note for row in measured.rows)
    rows = [_cells(row, measured.metrics, notes=notes) for row in measured.rows]
    return _table([*heads, "note"] if notes else heads, rows)


def _cells(row: Row, metrics: Iterable[Metric], *, notes: bool) -> list[str]:
    cells = [row.name, *(shown(row.spread(metric), metric.digits) for metric in metrics)]
    return [*cells, row.note] if notes else cells


def shown(spread: Spread | None, digits: int) -> str:
    """Write a figure: its median, and within brackets the least and the most."""
    if spread is None:
        return LEFT_OUT
    text = f"{spread.median:,.{digits}f}"
    return text if spread.count == 1 else f"{text} ({spread.least:,.{digits}f}..{spread.most:,.{digits}f})"


def _ratios(measured: Measured) -> str:
    rows = []
    for comparison in measured.comparisons:
        ratio = measured.ratio(comparison)
        if ratio is not None:
            rows.append([_pair(comparison), comparison.metric.heading, shown(ratio, 2)])
    return _table(["what / by what", "of", "ratio"], rows) if rows else ""


def _pair(comparison: Comparison) -> str:
    return f"{comparison.ours} / {comparison.theirs}"
