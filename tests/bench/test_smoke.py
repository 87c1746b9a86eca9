"""Three benchmarks with little data, end to end with real programs: dnsperf, and the peers that are installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import results
from bench.builds import PROJECT
from bench.processes import find
from bench.stage import NOT_INSTALLED


@pytest.mark.soak
@pytest.mark.skipif(os.environ.get("HYPOTHESIS_PROFILE") != "soak", reason="takes a minute; left to `make soak`")
@pytest.mark.skipif(find("dnsperf") is None, reason="dnsperf is not installed")
@pytest.mark.skipif(find("taskset") is None or find("setpriv") is None, reason="util-linux is not installed")
def test_a_quick_benchmark(tmp_path: Path) -> None:
    words = ["--quick", "--names", "2000", "--working", "100", "--signed", "100", "--no-pictures"]
    words += ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "cached", "authoritative", "cold"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    records = results.from_json((tmp_path / "out" / "results.json").read_text())
    assert [record.measured.name for record in records] == ["cached", "authoritative", "cold"]
    for record in records:
        ours = record.measured.rows[0]
        assert len(ours.samples) == 2
        assert all(sample["noerror_percent"] == 100.0 and sample["cpu_us"] > 1 for sample in ours.samples)
        for row in record.measured.rows[1:]:
            assert row.samples or NOT_INSTALLED in row.note, row
    assert "Fingerpost resolver" in (tmp_path / "out" / "RESULTS.md").read_text()
