from dataclasses import asdict

from bench import report
from bench.options import QUICK, Options
from bench.plots import pictures_of
from bench.results import CPU, QPS, Comparison, Measured, Metric, Record, Row, Sample, from_json, merged, to_json

OURS, THEIRS = "Fingerpost resolver", "Unbound"


def sample(cpu_us: float, qps: float) -> Sample:
    return {"cpu_us": cpu_us, "qps": qps}


def measured(name: str = "cached", *rows: Row) -> Measured:
    usual = (
        Row(OURS, (sample(50.0, 20_000.0), sample(70.0, 14_000.0), sample(52.0, 19_000.0))),
        Row(THEIRS, (sample(5.0, 90_000.0), sample(10.0, 60_000.0), sample(5.2, 91_000.0)), "lost up to 0.20 %"),
        Row("BIND", (), "not installed"),
    )
    pairs = (Comparison(OURS, THEIRS), Comparison(OURS, "BIND"), Comparison(OURS, "nobody"))
    return Measured(name, "Cached answers", "As told.", (CPU, QPS), rows or usual, pairs)


def record(what: Measured, when: str = "2026-11-21T10:00:00+00:00") -> Record:
    return Record(what, {"processor": "some", "nsd": "not installed"}, asdict(QUICK), when, 12.5)


def test_json_and_back() -> None:
    grown = measured("growth", Row("10", (sample(1.0, 2.0),), size=10, series="store"))
    records = [record(measured()), record(grown)]
    again = from_json(to_json(records))
    assert [r.measured for r in again] == [r.measured for r in records]
    assert to_json(again) == to_json(records)


def test_a_ratio_is_the_median_of_pairs_and_not_a_ratio_of_medians() -> None:
    ratio = measured().ratio(Comparison(OURS, THEIRS))
    assert ratio is not None
    assert (ratio.median, ratio.least, ratio.most) == (10.0, 7.0, 10.0)


def test_who_was_not_measured_has_no_ratio() -> None:
    assert measured().ratio(Comparison(OURS, "BIND")) is None
    assert measured().ratio(Comparison(OURS, "nobody")) is None


def test_a_benchmark_that_is_run_alone_leaves_the_others() -> None:
    old, new = record(measured("cached"), "before"), record(measured("cached"), "now")
    other, gone = record(measured("cold"), "before"), record(measured("gone"), "before")
    found = merged([old, other, gone], [new], ["cold", "cached", "tcp"])
    assert [(r.measured.name, r.when) for r in found] == [("cold", "before"), ("cached", "now")]


def test_tables() -> None:
    text = report.markdown([record(measured())])
    lines = text.splitlines()
    assert "- nsd: not installed" in lines
    assert "|  | CPU per answer (µs) | answers per second | note |" in lines
    assert f"| {OURS} | 52.0 (50.0..70.0) | 19,000 (14,000..20,000) |  |" in lines
    assert "| BIND | - | - | not installed |" in lines
    assert "| Unbound | 5.2 (5.0..10.0) | 90,000 (60,000..91,000) | lost up to 0.20 % |" in lines
    assert f"| {OURS} / {THEIRS} | CPU per answer (µs) | 10.00 (7.00..10.00) |" in lines
    assert not any("nobody" in line for line in lines)
    assert "fan_out 2/4" in text
    assert report.markdown([]).startswith("# Results")


def test_tables_without_notes_have_no_column_for_them() -> None:
    alone = measured("signing", Row("signing", ({"cpu_s": 1.5},)))
    text = report.markdown([record(Measured("signing", "S", "M.", (Metric("cpu_s", "CPU s", 1),), alone.rows))])
    assert "| signing | 1.5 |" in text.splitlines()
    assert "note" not in text


def test_pictures_follow_from_the_figures() -> None:
    assert [picture.file for picture in pictures_of(measured())] == ["cached-cpu.png"]
    grown = measured("growth", Row("10", (sample(1.0, 2.0),), size=10, series="store"))
    assert [picture.file for picture in pictures_of(grown)] == ["growth-growth.png"]
    timed = measured("latency", Row(OURS, ({"p50_ms": 0.1, "qps": 1.0},)))
    assert [picture.file for picture in pictures_of(timed)] == ["latency-percentiles.png"]
    nothing = measured("memory", Row("10", (), "not measured", size=10))
    assert pictures_of(nothing) == []


def test_quick_is_less_of_everything() -> None:
    whole, quick = asdict(Options()), asdict(QUICK)
    assert quick.keys() == whole.keys()
    for name, value in whole.items():
        small, large = (max(v) if isinstance(v, tuple) else v for v in (quick[name], value))
        assert small < large, name
