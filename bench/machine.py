"""On what was measured: processor, kernel, versions of everything that took part."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from bench.builds import PROJECT, Build
from bench.processes import find

PACKAGES = ("lmdb", "msgpack", "pynacl", "trio")  # of ours, those whose speed shows
MEMORY_UNIT = 2**20  # KiB in a GiB


def field_of(text: str, word: str) -> str:
    """Return the first value that a text of lines `word : value` gives for a word; "" when there is none."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == word:
            return value.strip()
    return ""


def first_version(text: str) -> str:
    """Return the line in which a program says its version, without the time that some log before it."""
    lines = (re.sub(r"^\w{3} +\d+ [\d:]+ ", "", line.strip()) for line in text.splitlines())
    return next((line for line in lines if re.search(r"\d\.\d", line)), "?")


def describe(programs: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """Describe this machine.

    Args:
        programs: Names of programs, each with the words that make it print its version.
    """
    said = {
        "processor": field_of(_read("/proc/cpuinfo"), "model name") or platform.processor() or "?",
        "cores": str(os.cpu_count()),
        "memory": f"{int(field_of(_read('/proc/meminfo'), 'MemTotal').split()[0]) / MEMORY_UNIT:.0f} GiB",
        "kernel": platform.release(),
        "system": field_of(_read("/etc/os-release").replace("=", ":"), "PRETTY_NAME").strip('"'),
        "Python": f"{platform.python_version()} ({platform.python_implementation()}, {platform.python_compiler()})",
        "Fingerpost": f"{metadata.version('fingerpost')}, commit {_commit()}",
        "inner loops": "as sources" + ("" if Build.COMPILED.why_not else ", and compiled"),
        "load before": " ".join(_read("/proc/loadavg").split()[:3]),
    }
    said |= {package: metadata.version(package) for package in PACKAGES}
    for program, words in programs:
        path = find(program)
        said[program] = _said([path, *words]) if path else "not installed"
    return said


def _commit() -> str:
    words = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _said(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return "?"
    return first_version(f"{done.stdout}\n{done.stderr}")


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
