"""The process's two streams."""

import sys

from resolver.fpdig import usage
from resolver.fpdig.exits import Exit


def out(text: str) -> None:
    """Write text to standard output."""
    sys.stdout.write(text)
    sys.stdout.flush()


def err(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{line}\n")


def refuse(faults: list[str]) -> Exit:
    """Say what is wrong with the command line, and return the status of that."""
    for fault in faults:
        err(f"fpdig: {fault}")
    sys.stderr.write(usage.BRIEF)
    return Exit.USAGE
