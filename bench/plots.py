"""The results as pictures: what an answer costs and how many there are, percentiles, growth.

Which pictures a benchmark has is pure; `draw` is the shell, and matplotlib is imported there alone: it is installed
for `make bench` and for nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.builds import Build
from bench.results import CPU, QPS, Measured, Metric, Record, Row

WIDTH, HEIGHT, DOTS = 8.0, 4.5, 120  # inches, and dots for each of them
OURS = "Fingerpost"  # what the names of our contestants begin with
STYLES = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.", "*:")
MOST_INSIDE = 6  # names that a legend has inside of the axes; one with more would cover what is drawn


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a benchmark.

    Attributes:
        file: Its name.
        title: For people.
        draw: Draws a benchmark on axes.
    """

    file: str
    title: str
    draw: Callable[[Any, Measured], None]


def pictures_of(measured: Measured) -> list[Picture]:
    """Return the pictures of a benchmark: what it has the figures for."""
    found = []
    keys = {key for row in measured.rows for sample in row.samples for key in sample}
    if any(row.size is not None and row.samples for row in measured.rows):
        metric = CPU if CPU.key in keys else measured.metrics[0]
        title = f"{measured.title}: {metric.heading}"
        found.append(Picture(f"{measured.name}-growth.png", title, lambda axes, m: _growth(axes, m, metric)))
    elif {CPU.key, QPS.key} <= keys:
        found.append(Picture(f"{measured.name}-cpu.png", f"{measured.title}: rate and cost", _cost))
    elif "p50_ms" in keys:
        found.append(Picture(f"{measured.name}-percentiles.png", measured.title, _percentiles))
    return found


def draw(out: Path, records: Iterable[Record]) -> None:
    """Draw all pictures into a directory."""
    # Neither the tests nor the programs need it, and it is not installed with them.
    from matplotlib.figure import Figure  # noqa: PLC0415 - the line above

    for record in records:
        for picture in pictures_of(record.measured):
            figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS, layout="constrained")
            axes = figure.add_subplot()
            axes.set_title(picture.title)
            axes.grid(visible=True, alpha=0.3)
            picture.draw(axes, record.measured)
            figure.savefig(out / picture.file)


def _cost(axes: Any, measured: Measured) -> None:
    """Draw answers per second against processor time of each: right and low is better."""
    for row, style in zip(_present(measured), STYLES * 4, strict=False):
        qps, cpu = row.spread(QPS), row.spread(CPU)
        if qps is None or cpu is None:
            continue
        spans = {
            "xerr": [[qps.median - qps.least], [qps.most - qps.median]],
            "yerr": [[cpu.median - cpu.least], [cpu.most - cpu.median]],
        }
        look: dict[str, Any] = {} if row.name.startswith(OURS) else {"markerfacecolor": "white"}
        if row.name.endswith(Build.COMPILED) and axes.containers:  # in the colour of its plain neighbour, half full
            look |= {"color": axes.containers[-1].lines[0].get_color(), "fillstyle": "top"}
        axes.errorbar(qps.median, cpu.median, fmt=style[0], capsize=3, label=row.name, **spans, **look)
    axes.set(xlim=(0, None), ylim=(0, None), xlabel=QPS.heading, ylabel=CPU.heading)
    _plain_numbers(axes)
    _legend(axes)


def _percentiles(axes: Any, measured: Measured) -> None:
    """Draw one line for each contestant: low is better."""
    metrics = [metric for metric in measured.metrics if metric.key.startswith("p") and metric.key.endswith("_ms")]
    for row, style in zip(_present(measured), STYLES, strict=False):
        spreads = [row.spread(metric) for metric in metrics]
        known = [(at, spread) for at, spread in enumerate(spreads) if spread is not None]
        rate = row.spread(QPS)
        label = f"{row.name} ({rate.median:,.0f}/s)" if rate else row.name
        places = [at for at, _ in known]
        axes.plot(places, [spread.median for _, spread in known], style, label=label)
        axes.fill_between(places, [s.least for _, s in known], [s.most for _, s in known], alpha=0.15)
    axes.set_xticks(range(len(metrics)), [metric.heading.removesuffix(" (ms)") for metric in metrics])
    axes.set(yscale="log", ylabel="milliseconds", xlabel="share of the answers that took no longer")
    _plain_numbers(axes, across=False)
    _legend(axes)


def _growth(axes: Any, measured: Measured, metric: Metric) -> None:
    """Draw a figure over the number of entries, one line for each series."""
    series = {row.series: None for row in _present(measured) if row.size is not None}
    for name, style in zip(series, STYLES, strict=False):
        rows = [row for row in _present(measured) if row.series == name]
        points = [(row.size, spread) for row in rows if (spread := row.spread(metric)) is not None]
        sizes = [size for size, _ in points]
        axes.plot(sizes, [spread.median for _, spread in points], style, label=name)
        axes.fill_between(sizes, [s.least for _, s in points], [s.most for _, s in points], alpha=0.15)
    axes.set(xscale="log", xlabel="authorities" if set(series) == {"authorities"} else "entries")
    axes.set(ylabel=metric.heading, ylim=(0, None))
    measured_at = sorted({row.size for row in _present(measured) if row.size is not None})
    axes.set_xticks(measured_at, [f"{size:,}" for size in measured_at])
    axes.minorticks_off()
    _legend(axes)


def _legend(axes: Any) -> None:
    """Say what is what, beside the axes where it takes much room."""
    if len(axes.get_legend_handles_labels()[1]) > MOST_INSIDE:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    else:
        axes.legend()


def _present(measured: Measured) -> list[Row]:
    return [row for row in measured.rows if row.samples]


def _plain_numbers(axes: Any, *, across: bool = True) -> None:
    """Write 10,000 and not a power of ten."""
    from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415 - as in `draw`

    for axis in (axes.xaxis, axes.yaxis) if across else (axes.yaxis,):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
