"""What was measured, as values, and the same as JSON. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bench.rounds import Spread, ratios, spread

Sample = dict[str, float]  # one round's figures, by the key of their metric


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that every round of a benchmark gives.

    Attributes:
        key: In a `Sample`.
        heading: For people, with the unit.
        digits: After the point.
    """

    key: str
    heading: str
    digits: int = 0


CPU = Metric("cpu_us", "CPU per answer (µs)", 1)
QPS = Metric("qps", "answers per second")
LATENCY = Metric("latency_ms", "mean latency (ms)", 2)
LOST = Metric("lost_percent", "lost (%)", 2)
NOERROR = Metric("noerror_percent", "NOERROR (%)", 1)
UPSTREAM = Metric("upstream_cpu_us", "CPU of the authorities per answer (µs)", 1)
BUSY = Metric("busy_percent", "its core in use (%)")
LOADED = (CPU, QPS, BUSY, LATENCY, LOST, NOERROR)


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant, or one size.

    Attributes:
        name: Who.
        samples: One a round; empty when nothing was measured, and then the note says why.
        note: What must be known to read the figures.
        size: Entries, where growth is what is measured.
        series: What grows; rows of one series are one line in a picture.
    """

    name: str
    samples: tuple[Sample, ...]
    note: str = ""
    size: int | None = None
    series: str = ""

    def values(self, key: str) -> list[float]:
        """Return a figure round by round."""
        return [sample[key] for sample in self.samples if key in sample]

    def spread(self, metric: Metric) -> Spread | None:
        """Return a figure over all rounds."""
        return spread(self.values(metric.key))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is divided by what: ours by theirs, so that more than 1 is worse where the figure is a cost."""

    ours: str
    theirs: str
    metric: Metric = CPU


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark's outcome.

    Attributes:
        name: The word that `ONLY=` takes.
        title: For people.
        method: What was done, in a sentence or two.
        metrics: Columns.
        rows: Contestants in their order.
        comparisons: Ratios to be given.
    """

    name: str
    title: str
    method: str
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...] = ()

    def row(self, name: str) -> Row | None:
        """Return a row."""
        return next((row for row in self.rows if row.name == name), None)

    def ratio(self, comparison: Comparison) -> Spread | None:
        """Return ours divided by theirs, pair by pair within each round."""
        ours, theirs = self.row(comparison.ours), self.row(comparison.theirs)
        if ours is None or theirs is None:
            return None
        return spread(ratios(ours.values(comparison.metric.key), theirs.values(comparison.metric.key)))


@dataclass(frozen=True, slots=True)
class Record:
    """A benchmark's outcome with what it was measured on.

    Attributes:
        measured: The outcome.
        machine: Words and their values: processor, kernel, programs.
        options: Sizes and times.
        when: Date and time, ISO 8601.
        seconds: That all of it took.
    """

    measured: Measured
    machine: dict[str, str]
    options: dict[str, Any]
    when: str
    seconds: float


def to_json(records: Iterable[Record]) -> str:
    """Write records, one benchmark a key."""
    return json.dumps({record.measured.name: asdict(record) for record in records}, indent=1) + "\n"


def from_json(text: str) -> list[Record]:
    """Read what `to_json` wrote."""
    return [
        Record(_measured(value["measured"]), value["machine"], value["options"], value["when"], value["seconds"])
        for value in json.loads(text).values()
    ]


def _measured(value: dict[str, Any]) -> Measured:
    return Measured(
        value["name"],
        value["title"],
        value["method"],
        tuple(Metric(**metric) for metric in value["metrics"]),
        tuple(Row(**{**row, "samples": tuple(row["samples"])}) for row in value["rows"]),
        tuple(Comparison(pair["ours"], pair["theirs"], Metric(**pair["metric"])) for pair in value["comparisons"]),
    )


def merged(before: Iterable[Record], now: Iterable[Record], order: Iterable[str]) -> list[Record]:
    """Return the newest record of every benchmark, in the order of their names; others than these are dropped."""
    newest = {record.measured.name: record for record in (*before, *now)}
    return [newest[name] for name in order if name in newest]
