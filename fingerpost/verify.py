"""`fingerpost verify`: a bundle checked without a network, and explained step by step."""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from fingerpost.arguments import Subparsers, add_command
from fingerpost.files import reading
from fingerpost.output import complain, say
from resolver.answer import Via, from_judgement
from resolver.explain.lines import Case
from resolver.explain.sections import explain
from resolver.explain.svg import picture
from resolver.explain.text import document_of, text_of
from resolver.fpdig.keeping import write_new
from resolver.fpdig.verdict import status_of
from transport.handler import Protocol
from zonedata import bundle
from zonedata.account import account_of
from zonedata.bundle import MAX_BUNDLE
from zonedata.errors import MalformedError, UntrustedError
from zonedata.judgement import hear
from zonedata.life import MAX_TIME
from zonedata.opening import Claim, read_claim
from zonedata.trust import read_anchor

EXIT_BAD_BUNDLE = 4
ASKED: Final = "asked"  # of --at: when the bundle says that it was asked
_EPILOG = """\
Reads a bundle as `fpdig +bundle=FILE` writes it (docs/bundles.md), judges what
is in it against the trust anchor, and says step by step what is proven, by
whose word, and what is not. No network is used.

exit status:
  0   it verifies, and the answer is complete
  1   the command line, the anchor or the picture's file was wrong
  2   it verifies, and the answer is incomplete
  3   it does not verify
  4   the bundle cannot be read, or is damaged

examples:
  fingerpost verify ann.bundle --anchor anchor.pem
  fingerpost verify ann.bundle --anchor anchor.pem --at asked --svg ann.svg
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "verify", "check a bundle without a network, and explain it", _EPILOG)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the file that `fpdig +bundle` wrote")
    parser.add_argument("--anchor", type=Path, required=True, metavar="FILE", help="the trust anchor")
    at = "judge for this time, as 2027-01-15T08:00:00Z or in Unix seconds, or 'asked': when it was asked (now)"
    parser.add_argument("--at", type=_instant, metavar="TIME", help=at)
    parser.add_argument("--json", action="store_true", help="print a JSON document on one line")
    parser.add_argument("--svg", type=Path, metavar="OUT", help="draw the chain into a new file")


def run(args: argparse.Namespace) -> int:
    """Verify, explain and return the exit status."""
    trust = reading(args.anchor, read_anchor)
    try:
        shown = bundle.read(_octets(args.bundle))
    except (MalformedError, UntrustedError) as error:
        complain(f"fingerpost verify: {args.bundle}: {error}")
        return EXIT_BAD_BUNDLE
    except OSError as error:
        complain(f"fingerpost verify: {args.bundle}: {error.strerror}")
        return EXIT_BAD_BUNDLE
    at = shown.asked if args.at == ASKED else args.at
    now = float(at) if at is not None else time.time()
    hearing = hear(shown.csi.owner, trust, shown.wires(), now)
    case = Case(shown, account_of(hearing), str(args.anchor), trust)
    if args.svg is not None:
        write_new(args.svg, picture(case).encode("ascii"))
    read = [read_claim(wire) for wire in shown.wires()]
    claims = [claim for claim in read if isinstance(claim, Claim)]
    answer = from_judgement(shown.csi, hearing.judgement, claims, Via("", Protocol.UDP, 0.0))
    text = document_of(case, explain(case), answer) if args.json else text_of(case, explain(case), str(args.bundle))
    say(text.removesuffix("\n"))
    return int(status_of(answer))


def _octets(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BUNDLE + 1)


def _instant(text: str) -> int | Literal["asked"]:
    """Read a time of the command line, in Unix seconds, or ASKED."""
    if text == ASKED:
        return ASKED
    if text.isascii() and text.isdigit() and len(text) < len(str(MAX_TIME)):
        return int(text)
    try:
        instant = int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}, expected 2027-01-15T08:00:00Z, Unix seconds or 'asked'"
        ) from None
    if instant < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is before 1970, where time begins here")
    return instant
