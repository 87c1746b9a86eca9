"""`python -m bench.many`: one client process that looks up every line of a file with the client library.

It does with the answers what any caller must, asking each whether it was found, and prints how many were.
"""

import argparse
import sys
from pathlib import Path

import trio

from resolver.answer import Answer
from resolver.client import lookup_many
from zonedata.judgement import Outcome


def main(words: list[str] | None = None) -> int:
    """Look up, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.many", description=__doc__)
    parser.add_argument("numbers", type=Path, metavar="FILE")
    parser.add_argument("server", metavar="ADDRESS#PORT")
    parser.add_argument("--anchor", type=Path, metavar="FILE", help="verify every answer")
    parser.add_argument("--csi", action="store_true", help="ask for no proof")
    args = parser.parse_args(words)
    found = trio.run(_count, args.numbers, args.server, args.anchor, not args.csi)
    sys.stdout.write(f"{found}\n")
    return 0


async def _count(numbers: Path, server: str, anchor: Path | None, proof: bool) -> int:
    found = 0
    with numbers.open() as lines:
        async with lookup_many(lines, server=server, anchor=anchor, proof=proof) as answers:
            async for _, answer in answers:
                if isinstance(answer, Answer) and answer.outcome is Outcome.FOUND and answer.verified is not False:
                    found += 1
    return found


if __name__ == "__main__":
    sys.exit(main())
