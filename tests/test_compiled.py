"""The compiled modules, where they were built: `make compiled`. They say octet by octet what the plain ones say.

`make test-compiled` runs the tests of their rooms with them; here are those of datagrams alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build" / "compiled"

IN_PLACE = ("-p", "no:cacheprovider", "--import-mode=importlib", "-o", "pythonpath=")  # our own path counts alone
ROOMS = ("zonedata", "transport", "root", "resolver", "fingerpost")


def _is_built() -> bool:
    """Say whether there is a build of the sources as they are now."""
    mark = BUILT / ".built"
    sources = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return mark.exists() and all(path.stat().st_mtime <= mark.stat().st_mtime for path in sources)


pytestmark = pytest.mark.skipif(not _is_built(), reason="'make compiled' has not been run on these sources")


def _run(*words: str, before: tuple[Path, ...] = (), timeout: float = 300) -> str:
    path = os.pathsep.join(map(str, (*before, ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    environment["FINGERPOST_TEST"] = "compiled" if BUILT in before else "plain"
    command = [sys.executable, "-m", *words]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _digests(*before: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_run("tests.digests", before=before))
    return read


def test_plain_and_compiled_say_the_same() -> None:
    plain, compiled = _digests(), _digests(BUILT)
    assert not any(plain["compiled"])
    assert all(compiled["compiled"])
    assert plain["said"] == compiled["said"]


def test_the_tests_of_the_compiled_modules_pass_for_them_too() -> None:
    files = [
        "tests/test_fast_paths.py",
        "tests/transport/test_rates.py",
        "tests/transport/test_udp_listener.py",
        "tests/zonedata/test_packets.py",
        "tests/fingerpost/test_serve.py",
    ]
    told = _run("pytest", "-q", *IN_PLACE, *files, before=(BUILT,))
    assert "passed" in told or "100%" in told
