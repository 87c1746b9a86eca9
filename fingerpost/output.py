"""What commands print: results on standard output, reasons on standard error, a line at a time."""

import sys


def say(line: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(line + "\n")


def complain(line: str) -> None:
    """Print a reason for not doing what was asked."""
    sys.stderr.write(line + "\n")
