"""The results as pictures: what an answer costs and how many there are, percentiles, growth.

Which pictures a benchmark has is pure; `draw` is the shell, and matplotlib is imported there alone: it is installed for
`make bench` and for nothing else.
"""

from pathlib import Path

from bench.results import CPU, QPS, Measured, Row

Picture = tuple[str, str]  # file, title


def pictures_of(measured: Measured) -> list[Picture]:
    """Return the pictures of a benchmark."""
    return []


def draw(out: Path, records: object) -> None:
    """Draw."""
