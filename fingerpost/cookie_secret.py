"""`fingerpost cookie-secret`: the secrets for DNS cookies of servers that share an address."""

import argparse
import secrets
import sys
from hashlib import sha256
from pathlib import Path

from fingerpost import cookie_file
from fingerpost.arguments import Subparsers, add_command
from fingerpost.cookie_file import CookieFile
from fingerpost.files import reading
from fingerpost.output import say
from zonedata.cookies import SECRET_OCTETS
from zonedata.errors import ConfigError, Fault, MalformedError

VERBS = ("add", "activate", "drop", "show")
SHOWN = 8  # hexadecimal digits of a secret's digest: enough to see that two servers have the same
_EPILOG = """\
Servers that answer at one address share secrets, so that each takes the
cookies of all. To go over to another secret without refusing any cookie:

  1. add       on one server; bring the file to the others
  2. activate  on all of them, one after the other
  3. drop      on all of them, an hour later

and tell each daemon after each step (HUP). 'show' prints digests: who has the
same secrets has the same. --stdin takes a secret of 32 hexadecimal digits from
standard input, where other programs (NSD, Unbound, BIND) answer beside ours.

examples:
  fingerpost cookie-secret cookies.txt add
  fingerpost cookie-secret cookies.txt activate && kill -HUP "$PID"
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "cookie-secret", "change the secrets for DNS cookies", _EPILOG)
    parser.add_argument("file", type=Path, metavar="FILE", help="the file; 'add' makes it")
    parser.add_argument("verb", choices=VERBS, help="what to do")
    parser.add_argument("--stdin", action="store_true", help="add: take the secret from standard input")
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit status."""
    path: Path = args.file
    if args.stdin and args.verb != "add":
        args.refuse("--stdin goes with 'add'")
    if args.verb == "add" and not path.exists():
        cookie_file.write(path, CookieFile(_new(path, is_given=args.stdin)))
    else:
        found = reading(path, cookie_file.read)
        if args.verb != "show":
            cookie_file.write(path, _changed(path, found, args.verb, is_given=args.stdin))
    for role, secret in reading(path, cookie_file.read).named():
        say(f"{role} {sha256(secret).hexdigest()[:SHOWN]}")
    return 0


def _changed(path: Path, found: CookieFile, verb: str, *, is_given: bool) -> CookieFile:
    try:
        match verb:
            case "add":
                return found.added(_new(path, is_given=is_given))
            case "activate":
                return found.activated()
            case _:
                return found.dropped()
    except MalformedError as error:
        raise ConfigError([Fault(path, 0, "", str(error))]) from error


def _new(path: Path, *, is_given: bool) -> bytes:
    if not is_given:
        return secrets.token_bytes(SECRET_OCTETS)
    try:
        return cookie_file.secret_from(sys.stdin.readline(100).strip())
    except MalformedError as error:
        raise ConfigError([Fault(path, 0, "", f"standard input: {error}")]) from error
