"""Whole little trees in a folder: keys, sources and configurations as an operator would have them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fingerpost.main import main
from zonedata import keys
from zonedata.keys import PrivateKey

ROOT = """\
[listen]
udp = ["127.0.0.1#0"]
tcp = ["127.0.0.1#0"]

[authority]
name = "."
store = "root.store"

[sign]
key = "zone.pem"
zone = "root.zone"
anchor = "anchor.pem"
"""
MSP = """\
[listen]
udp = ["127.0.0.1#0"]
tcp = ["127.0.0.1#0"]

[authority]
name = "alpha.example"
store = "alpha.store"
roles = ["msp"]
deny_key = "deny.pem"

[sign]
key = "assert.pem"
listings = ["people.ndjson"]
nodes = ["+1415", "@example.com"]
"""
RESOLVER = """\
[listen]
udp = ["127.0.0.1#0"]
tcp = ["127.0.0.1#0"]

[resolver]
anchor = "anchor.pem"
lab_addresses = true
"""
PEOPLE = """\
{"csi": "+14155550123", "ssi": "mimi://alpha.example/u/7f3a", "features": ["e2ee"]}
{"csi": "alice@example.com", "ssi": "mimi://alpha.example/u/alice"}
{"block": "+1415666", "ssi": "mimi://alpha.example/u/{number}", "lengths": [11], "except": ["0155"]}
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


class Household:
    """A folder that is the current one, and commands run in it."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def add(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(text)

    def key(self, name: str) -> PrivateKey:
        """Return a key of the folder, made when it is not there."""
        path = self.folder / name
        if not path.exists():
            PrivateKey.generate().save(path)
        return keys.load(path)

    def run(self, *words: str) -> Outcome:
        """Run a command in this process."""
        self._capture.readouterr()
        try:
            status = main(list(words))
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else -1
        return Outcome(status, *self._capture.readouterr())

    def sound(self, *words: str) -> str:
        """Run a command that must end well, and return what it printed."""
        outcome = self.run(*words)
        assert outcome.status == 0, outcome
        return outcome.out

    def check(self, text: str, name: str = "c.toml") -> list[str]:
        """Write a configuration, check it, and return the lines printed, the last of which must count."""
        self.write(name, text)
        outcome = self.run("check", name)
        *lines, last = outcome.out.splitlines()
        faults = [line for line in lines if not line.startswith("note: ")]
        if outcome.status == 0:
            assert last == f"{name}: no faults"
        else:
            assert last == (f"{len(faults)} faults" if len(faults) > 1 else "1 fault")
        return faults

    def msp(self) -> None:
        """Put an MSP here: alpha.toml and all that it names."""
        self.key("assert.pem")
        self.key("deny.pem")
        self.write("people.ndjson", PEOPLE)
        self.write("alpha.toml", MSP)

    def root(self, *zone_lines: str) -> None:
        """Put a root here: root.toml and all that it names."""
        for name in ("root.pem", "zone.pem"):
            self.key(name)
        self.sound("keygen", "--anchor", "anchor.pem", "--root-key", "root.pem", "--zone-key", "zone.pem")
        self.zone(zone_lines)
        self.write("root.toml", ROOT)

    def zone(self, lines: Iterable[str] = ()) -> None:
        """Write the root zone."""
        self.write("root.zone", "\n".join(["zone .", "lab-addresses yes", *lines, ""]))

    def delegation(self, udp: int, tcp: int) -> list[str]:
        """Return the lines that delegate +1415 and @example.com to alpha."""
        return [
            f"key alpha.example assert {self.key('assert.pem').public.to_text()}",
            f"key alpha.example deny {self.key('deny.pem').public.to_text()}",
            f"server alpha.example ns.alpha.example 127.0.0.1 udp={udp} tcp={tcp}",
            "delegate +1415 alpha.example msp",
            "delegate @example.com alpha.example msp",
        ]


def replaced(text: str, **changes: Any) -> str:
    """Return a configuration in which the line of each key is another; None leaves it out."""
    lines = []
    for line in text.splitlines():
        key = line.partition(" =")[0]
        if key not in changes:
            lines.append(line)
        elif changes[key] is not None:
            lines.append(f"{key} = {changes[key]}")
    return "\n".join(lines) + "\n"
