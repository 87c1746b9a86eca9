"""Samples as Prometheus reads them (text exposition format, version 0.0.4)."""

from collections import defaultdict
from typing import Final

from fingerpost.metrics.families import FAMILIES, Samples, family_of

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def to_text(samples: Samples) -> str:
    """Write samples, family by family; families without any are left out."""
    by_family: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in samples.items():
        by_family[family_of(key).name].append(f"{key} {_number(value)}")
    lines: list[str] = []
    for family in FAMILIES:
        if family.name in by_family:
            lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.type}"]
            lines += by_family[family.name]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
