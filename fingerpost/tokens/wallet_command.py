"""`fingerpost token`: a client's wallet, and the issuer's directory for a resolver."""

import argparse
import http.client
import secrets
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from fingerpost import httpurl
from fingerpost.arguments import Subparsers, add_command
from fingerpost.files import reading, write_whole
from fingerpost.output import complain, say
from fingerpost.tokens import batch_files, fetching
from fingerpost.tokens.fetching import RefusedError, SilentError
from resolver import bearer_file
from transport.tokens import listed_keys
from transport.tokens.database import DatabaseError
from transport.tokens.directory import Directory
from transport.tokens.issuing import MAX_BATCH
from transport.tokens.keys import IssuerKey
from transport.tokens.tokens import BLIND_RSA, TokenChallenge, TokenError
from transport.tokens.wallet import Outstanding, Wallet
from zonedata.errors import MalformedError

DEFAULT_COUNT = 100
LAST_SECOND = 253_402_300_799  # that has a date; a directory may say later, or say nothing of times
_NEVER = {
    http.client.UNPROCESSABLE_ENTITY,
    http.client.TOO_MANY_REQUESTS,
}  # not granted, and what was asked is over
_EPILOG = """\
Fetch tokens well before they are used, and more than are used at once: who
fetches one and looks somebody up with it a second later has told both sides
the time. Tokens count until the end of the day after the one on which they
were fetched (UTC).

examples:
  fingerpost token create my.wallet issuer.example resolver.example
  fingerpost token fetch my.wallet https://issuer.example/ alpha.secret
  fingerpost token request my.wallet directory.json requests.txt
  fingerpost token finish my.wallet responses.txt
  fingerpost token show my.wallet
  fingerpost token directory https://issuer.example/ directory.json
  fingerpost token keys directory.json

exit status:
  0   done
  1   not done, or not all of it; a line says why
"""
_WORDS = {
    "create": "make a wallet for the tokens of an issuer at a resolver",
    "fetch": "have an issuer sign tokens, over HTTP",
    "request": "write requests for tokens into a file",
    "finish": "take in what an issuer has signed for such a file",
    "drop": "forget requests that were never answered",
    "show": "print how many tokens there are, until when and of which keys",
    "directory": "fetch an issuer's directory into a file, for a resolver",
    "keys": "print the keys in such a file, to be compared with those of others",
}


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "token", "fetch tokens that pay for look-ups without a name", _EPILOG)
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    parsers = {word: words.add_parser(word, help=text, description=text) for word, text in _WORDS.items()}
    for word, one in parsers.items():
        if word not in {"directory", "keys"}:
            one.add_argument("wallet", type=Path, metavar="WALLET", help="the wallet's file")
        if word in {"fetch", "directory"}:
            one.add_argument("url", metavar="URL", help="the issuer's, such as https://issuer.example/")
            one.add_argument(
                "--allow-plain", action="store_true", help="let requests leave this machine in the clear"
            )
        if word in {"fetch", "request"}:
            one.add_argument(
                "--count", type=int, default=DEFAULT_COUNT, metavar="N", help="tokens; %(default)s unless given"
            )
        one.set_defaults(refuse=one.error)
    parsers["create"].add_argument("issuer", metavar="ISSUER", help="its name, as the resolver has it")
    parsers["create"].add_argument("origin", metavar="RESOLVER", help="its name, as its URL has it")
    parsers["fetch"].add_argument("secret", type=Path, metavar="SECRET", help="the file that the issuer gave")
    parsers["fetch"].add_argument(
        "--directory",
        type=Path,
        metavar="FILE",
        help="the issuer's, had from others: it may show you a key of your own",
    )
    parsers["request"].add_argument("directory", type=Path, metavar="DIRECTORY", help="the issuer's, a file")
    parsers["request"].add_argument("requests", type=Path, metavar="REQUESTS", help="the file to make")
    parsers["finish"].add_argument(
        "responses", type=Path, metavar="RESPONSES", help="from 'fingerpost issuer sign'"
    )
    parsers["directory"].add_argument("file", type=Path, metavar="FILE", help="the file to make, or to replace")
    parsers["keys"].add_argument("directory", type=Path, metavar="FILE", help="an issuer's directory")


def run(args: argparse.Namespace) -> int:
    """Do what was asked and return the exit status."""
    if "url" in args:
        args.url = httpurl.check(args.url, allow_plain=args.allow_plain)
    if "count" in args and args.count < 1:
        args.refuse("--count is at least 1")
    try:
        return _run(args)
    except (SilentError, RefusedError, DatabaseError) as error:
        complain(f"fingerpost token: {error}")
    except TokenError as error:
        raise MalformedError(str(error)) from error
    return 1


def _run(args: argparse.Namespace) -> int:
    if args.word == "directory":
        return _directory(args)
    if args.word == "keys":
        for key in sorted(listed_keys.read(args.directory).keys, key=lambda key: key.not_before):
            say(f"{_day(key.not_before)} to {_day(key.not_after)}: key {key.key_id.hex()}")
        return 0
    if args.word == "create":
        Wallet.create(args.wallet, TokenChallenge(BLIND_RSA, args.issuer, b"", args.origin)).close()
        return 0
    with closing(Wallet(args.wallet)) as wallet:
        match args.word:
            case "fetch":
                return _fetch(wallet, args)
            case "request":
                return _request(wallet, args)
            case "finish":
                return _finish(wallet, args)
            case "drop":
                wallet.give_up()
                return 0
            case _:
                return _show(wallet)


def _directory(args: argparse.Namespace) -> int:
    directory = fetching.directory_of(args.url)
    if not directory.keys:  # the one that is there, if any, is better
        raise SilentError(f"{args.url}: lists no key")
    absolute = Directory(fetching.request_url(args.url, directory), directory.keys)
    write_whole(args.file, absolute.to_json().decode("ascii"))
    end = max(key.not_after for key in directory.keys)
    say(f"{args.file}: {len(directory.keys)} keys, until {_day(end)}")
    return 0


def _fetch(wallet: Wallet, args: argparse.Namespace) -> int:
    secret = reading(args.secret, bearer_file.read)
    asks = args.directory is None
    directory = fetching.directory_of(args.url) if asks else listed_keys.read(args.directory)
    url = fetching.request_url(args.url, directory)
    missing = args.count
    outstanding = wallet.outstanding()
    while missing > 0:
        if outstanding is None:
            outstanding = wallet.ask(_issuing(directory), min(missing, MAX_BATCH), secrets.token_bytes)
        try:
            missing -= _taken_in(wallet, outstanding, fetching.ask(url, secret, outstanding.body))
        except RefusedError as error:
            if error.status in _NEVER:
                wallet.give_up()
            if args.count > missing:
                say(f"{args.count - missing} tokens fetched")
            raise
        outstanding = None
    say(f"{args.count - missing} tokens fetched")
    return 0


def _request(wallet: Wallet, args: argparse.Namespace) -> int:
    if args.count > MAX_BATCH:
        args.refuse(f"a file holds at most {MAX_BATCH} requests")
    outstanding = wallet.outstanding()
    if outstanding is None:
        outstanding = wallet.ask(_issuing(listed_keys.read(args.directory)), args.count, secrets.token_bytes)
        again = ""
    else:
        again = ", which were asked for before; 'fingerpost token drop' forgets them"
    write_whole(args.requests, batch_files.requests_text(outstanding.body), 0o600)
    say(f"{args.requests}: {len(outstanding.requested)} requests{again}")
    return 0


def _finish(wallet: Wallet, args: argparse.Namespace) -> int:
    outstanding = wallet.outstanding()
    if outstanding is None:
        complain(f"{args.wallet}: nothing was asked for")
        return 1
    count = _taken_in(wallet, outstanding, reading(args.responses, batch_files.read_responses))
    say(f"{count} tokens taken in")
    return 0


def _taken_in(wallet: Wallet, outstanding: Outstanding, answer: bytes) -> int:
    try:
        return wallet.finish(outstanding, answer)
    except TokenError as error:
        raise TokenError(
            f"what came is no answer to what was asked for: {error}; 'fingerpost token drop' forgets that"
        ) from error


def _show(wallet: Wallet) -> int:
    challenge = wallet.challenge
    say(f"of {challenge.issuer_name} at {challenge.origin_info or 'any resolver'}")
    for left in wallet.left(time.time()):
        say(f"{left.count} tokens, until {_day(left.until)}, of key {left.key_id.hex()}")
    outstanding: Outstanding | None = wallet.outstanding()
    if outstanding is not None:
        say(f"{len(outstanding.requested)} asked for and not answered")
    return 0


def _issuing(directory: Directory) -> IssuerKey:
    key = directory.issuing(time.time())
    if key is None:
        raise TokenError("the issuer has no key for today; is the directory old, or a clock wrong?")
    return key


def _day(when: int) -> str:
    return f"{datetime.fromtimestamp(min(when, LAST_SECOND), UTC):%Y-%m-%dT%H:%M:%SZ}"
