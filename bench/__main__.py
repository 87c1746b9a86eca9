"""`python -m bench`: run the benchmarks, and write results, tables and pictures."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from bench import machine, plots, report, results
from bench.builds import PROJECT
from bench.measures import (
    authoritative,
    batch,
    cached,
    cold,
    encrypted,
    fanout,
    growth,
    handing,
    latency,
    memory,
    signing,
    tcp,
    verification,
)
from bench.options import QUICK, Options
from bench.peers import PEERS
from bench.processes import FailedError, find
from bench.results import Measured, Record
from bench.stage import Stage

BENCHMARKS: dict[str, Callable[[Stage], Measured]] = {
    "cached": cached.measure,
    "authoritative": authoritative.measure,
    "cold": cold.measure,
    "fanout": fanout.measure,
    "tcp": tcp.measure,
    "encrypted": encrypted.measure,
    "latency": latency.measure,
    "growth": growth.measure,
    "signing": signing.measure,
    "memory": memory.measure,
    "batch": batch.measure,
    "verification": verification.measure,
    "handing": handing.measure,
}
RESULTS = PROJECT / "bench" / "results"
DATA = PROJECT / "build" / "bench"
NEEDED = ("dnsperf", "taskset", "setpriv")
PROGRAMS = (*((peer.program, peer.version) for peer in PEERS), ("dnsperf", ("-h",)))


def main(words: list[str] | None = None) -> int:
    """Run what the command line asks for, and return the exit status."""
    parser = _parser()
    args = parser.parse_args(words)
    options = _options(args)
    if not max(options.working, options.signed) <= options.names:
        parser.error("--working and --signed are parts of --names, and cannot be more")
    if missing := [program for program in NEEDED if find(program) is None]:
        parser.error(f"{', '.join(missing)} not installed; `make bench-peers` does it on Debian")
    signal.signal(signal.SIGTERM, _interrupt)
    out = args.out or (DATA / "results-quick" if args.quick else RESULTS)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as run:
            stage = Stage(options, args.data.resolve(), Path(run))
            failed = _run(stage, args.only or list(BENCHMARKS), out, pictures=not args.no_pictures)
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted; every daemon has been ended\n")
        return 1
    stage.say(f"failed: {', '.join(failed)}" if failed else f"results are in {out}")
    return 1 if failed else 0


def _run(stage: Stage, names: list[str], out: Path, *, pictures: bool) -> list[str]:
    """Run benchmarks, writing the results after each: a run takes hours and may be ended; return what failed."""
    failed = []
    for name in names:
        stage.say(f"--- {name}")
        try:
            records = _write(out, _record(stage, name, BENCHMARKS[name]))
        except FailedError as error:
            failed.append(name)
            stage.say(f"{name} failed: {error}")
        else:
            if pictures:
                plots.draw(out, records)
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*BENCHMARKS, []], help="which benchmarks (default: all)")
    parser.add_argument("--quick", action="store_true", help="a smoke run with little data")
    parser.add_argument("--no-pictures", action="store_true", help="write tables only; needs no matplotlib")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="where generated data is kept")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where results are written")
    for field in fields(Options):
        read = _sizes if isinstance(field.default, tuple) else type(field.default)
        shown = "N,N" if read is _sizes else "N"
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=read, metavar=shown, help=f"default {field.default}")
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _options(args: argparse.Namespace) -> Options:
    given = {field.name: getattr(args, field.name) for field in fields(Options)}
    return replace(QUICK if args.quick else Options(), **{k: v for k, v in given.items() if v is not None})


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _record(stage: Stage, name: str, measure: Callable[[Stage], Measured]) -> Record:
    on, started = machine.describe(PROGRAMS), time.monotonic()
    measured = measure(stage)
    assert measured.name == name
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Record(measured, on, asdict(stage.options), when, time.monotonic() - started)


def _write(out: Path, record: Record) -> list[Record]:
    """Put a benchmark's results beside those of the others, and return all."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "results.json"
    before = results.from_json(path.read_text()) if path.exists() else []
    records = results.merged(before, [record], BENCHMARKS)
    path.write_text(results.to_json(records))
    (out / "RESULTS.md").write_text(report.markdown(records))
    return records


if __name__ == "__main__":
    sys.exit(main())
