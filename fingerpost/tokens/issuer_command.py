"""`fingerpost issuer`: keys, clients, tokens by HTTP and tokens by file."""

import argparse
import logging
import os
import secrets
import time
from contextlib import ExitStack
from pathlib import Path

import trio

from fingerpost import readiness
from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import Configuration, read
from fingerpost.files import reading, write_whole
from fingerpost.listening import Opened
from fingerpost.output import complain, say
from fingerpost.readiness import Readiness
from fingerpost.tokens import batch_files, issuer_clients, issuer_daemon, issuer_keys, secret_files
from fingerpost.tokens.issuer_clients import ClientsFile
from fingerpost.tokens.issuer_daemon import Office
from fingerpost.tokens.sections import GRANTS, HTTP, ISSUER, KEYS, MAX_AHEAD, IssuerPart
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.tcp_listener import open_tcp
from transport.tokens import issuing
from transport.tokens.database import DatabaseError
from transport.tokens.grants import Grants
from transport.tokens.issuing import MAX_BATCH, Refusal
from zonedata.errors import ConfigError, Fault, MalformedError

_EPILOG = """\
An issuer signs so many tokens a day for each client that it knows, without
seeing them; a resolver takes each once, without learning whose it is. Keys
are for one day each, made in advance, and their tokens count until the end
of the day after. docs/tokens.md says who learns what.

signals of serve:
  TERM, INT   end, with status 0

examples:
  fingerpost issuer client alpha 1000 alpha.secret >>clients
  fingerpost issuer keygen issuer.toml
  fingerpost issuer directory issuer.toml >directory.json
  fingerpost issuer serve issuer.toml
  fingerpost issuer sign issuer.toml alpha requests.txt responses.txt
"""
_WORDS = {
    "keygen": "make the keys of today and of the days ahead",
    "client": "draw a client's secret, and print its line for the file of clients",
    "directory": "print the directory of keys, for resolvers",
    "serve": "take requests in HTTP, and make keys as they are needed",
    "sign": "sign requests out of a file, for a client who sent it",
}
SECRET_OCTETS = 32

log = logging.getLogger(__name__)


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "issuer", "grant clients look-ups that they redeem without a name", _EPILOG)
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    parsers = {word: words.add_parser(word, help=text, description=text) for word, text in _WORDS.items()}
    for word, one in parsers.items():
        if word != "client":
            one.add_argument("config", type=Path, metavar="CONFIG", help="a configuration with [issuer]")
        one.set_defaults(refuse=one.error, ready_fd=None)
    parsers["keygen"].add_argument("--days", type=int, metavar="N", help="ahead; as [issuer] says unless given")
    client = parsers["client"]
    client.add_argument("name", metavar="NAME", help="such as alpha")
    client.add_argument("quota", type=int, metavar="TOKENS", help="a day")
    client.add_argument("file", type=Path, metavar="FILE", help="for the secret, which the client is given")
    readiness.add_argument(parsers["serve"])
    sign = parsers["sign"]
    sign.add_argument("client", metavar="NAME", help="whose requests they are")
    sign.add_argument("requests", type=Path, metavar="REQUESTS", help="from 'fingerpost token request'")
    sign.add_argument("responses", type=Path, metavar="RESPONSES", help="the file to make")


def run(args: argparse.Namespace) -> int:
    """Do what was asked and return the exit status."""
    if args.word == "client":
        return _client(args)
    if args.word == "keygen" and args.days is not None and not 0 <= args.days <= MAX_AHEAD:
        args.refuse(f"--days is from 0 to {MAX_AHEAD}, which is what a directory has room for")
    readiness.check(args)
    configuration = read(args.config, inspect=(ISSUER.name,))
    issuer = configuration.issuer
    if issuer is None:
        raise ConfigError([Fault(args.config, 0, "", "has no [issuer], so it is no issuer's")])
    try:
        return _run(configuration, issuer, args)
    except DatabaseError as error:
        complain(f"fingerpost issuer: {error}")
    return 1


def _run(configuration: Configuration, issuer: IssuerPart, args: argparse.Namespace) -> int:
    match args.word:
        case "keygen":
            for path in issuer_keys.make(
                issuer.keys, issuer.ahead if args.days is None else args.days, time.time()
            ):
                say(str(path))
        case "directory":
            _directory(configuration, issuer)
        case "sign":
            return _sign(configuration, issuer, args)
        case _:
            _serve(configuration, issuer, args.ready_fd)
            log.info("event=stopped")
    return 0


def _client(args: argparse.Namespace) -> int:
    secret = secrets.token_urlsafe(SECRET_OCTETS)
    try:
        client = issuer_clients.client_with(args.name, args.quota, secret)
    except ValueError as error:
        raise MalformedError(str(error)) from error
    secret_files.write(args.file, secret)
    say(issuer_clients.line_of(client))
    return 0


def _directory(configuration: Configuration, issuer: IssuerPart) -> None:
    keys = issuer_keys.load(issuer.keys)
    if not keys:
        reason = f"{issuer.keys}: there are no keys; 'fingerpost issuer keygen' makes them"
        raise ConfigError([configuration.fault(ISSUER.where(KEYS.name), reason)])
    say(issuer_keys.directory_of(keys, time.time()).to_json().decode("ascii").rstrip("\n"))


def _sign(configuration: Configuration, issuer: IssuerPart, args: argparse.Namespace) -> int:
    client = next((one for one in issuer_clients.read(issuer.clients) if one.name == args.client), None)
    if client is None:
        raise ConfigError([Fault(issuer.clients, 0, "", f"{args.client} does not stand here")])
    body = reading(args.requests, batch_files.read_requests)
    grants = _grants(configuration, issuer)
    try:
        admitted = issuing.admit(client, body, MAX_BATCH, issuer_keys.load(issuer.keys), grants, time.time())
    finally:
        grants.close()
    if isinstance(admitted, Refusal):
        complain(f"{args.requests}: {admitted.reason}")
        return 1
    signed = issuing.sign(admitted, admitted.messages, secrets.token_bytes)
    write_whole(args.responses, batch_files.responses_text(signed))
    again = "" if admitted.is_new else ", granted before"
    say(f"{args.responses}: {len(admitted.messages)} tokens for {client.name}{again}; {admitted.left} left today")
    return 0


def _serve(configuration: Configuration, issuer: IssuerPart, ready_fd: int | None) -> None:
    """Prepare everything, so that what is wrong is said before anything is taken; then work."""
    with ExitStack() as stack:
        opened = [_opened(configuration, stack, index, one) for index, one in enumerate(issuer.http)]
        grants = _grants(configuration, issuer)
        stack.callback(grants.close)
        office = Office(issuer.keys, issuer.ahead, ClientsFile(issuer.clients), grants)
        office.sweep(time.time())
        ready = Readiness(tuple(opened), ready_fd)
        trio.run(issuer_daemon.run, office, [one.socks[0] for one in opened], ready.tell)


def _grants(configuration: Configuration, issuer: IssuerPart) -> Grants:
    try:
        return Grants(issuer.grants)
    except DatabaseError as error:
        raise ConfigError([configuration.fault(ISSUER.where(GRANTS.name), str(error))]) from error


def _opened(configuration: Configuration, stack: ExitStack, index: int, endpoint: Endpoint) -> Opened:
    try:
        sock = stack.enter_context(open_tcp(endpoint))
    except OSError as error:
        reason = f"cannot listen on {endpoint.to_text()}: {os.strerror(error.errno or 0)}"
        raise ConfigError([configuration.fault(ISSUER.where(HTTP.name, index), reason)]) from error
    return Opened(Protocol.TCP, Endpoint(*sock.getsockname()[:2]), (sock,))
