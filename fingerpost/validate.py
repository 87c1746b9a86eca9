"""`fingerpost validate`: a validator, from its sockets to its end; and the operator's word that a claim is over."""

import argparse
import logging
import os
import secrets
from contextlib import ExitStack
from pathlib import Path

import trio

from fingerpost import sections as s
from fingerpost import validating
from fingerpost import validator_sections as v
from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import Configuration, read
from fingerpost.delivery import Deliverer
from fingerpost.listening import Opened
from fingerpost.output import complain, say
from fingerpost.readiness import Readiness
from fingerpost.store_state import nodes_of
from fingerpost.validating import Office
from fingerpost.workload import check_store_owner
from root.validator.codes import CODE_DIGITS
from root.validator.desk import Desk, Ways
from root.validator.store import RegisterWriter
from root.validator.vouching import Voucher
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.tcp_listener import open_tcp
from zonedata import identifiers, keys
from zonedata.errors import ConfigError, Fault, MalformedError
from zonedata.names import Name

_EPILOG = """\
Takes requests of recipients in HTTP at the addresses in [validate], sends
codes as [mail] and [numbers] say, and keeps whom it vouches for in the
register, out of which 'fingerpost serve' shows it. Every VALIDATION is signed
anew each day. One daemon changes a register; any number shows it.

--forget ends whatever is known of an identifier, beside a running daemon or
without one: the next proof of possession counts at once. It is for the
operator who knows that the standing recipient does not hold it any more.

signals:
  TERM, INT   end, with status 0

examples:
  fingerpost validate validator.toml
  fingerpost validate validator.toml --forget +14155550123
"""

SECRET_OCTETS = 32  # as many as the digest has

log = logging.getLogger(__name__)


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "validate", "take proofs of possession and vouch for recipients", _EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a configuration with [validate]")
    parser.add_argument(
        "--forget", action="append", default=[], metavar="CSI", help="end what is known of an identifier, and stop"
    )
    parser.add_argument(
        "--ready-fd", type=int, metavar="N", help="when ready, write a line with every address to this descriptor"
    )
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Validate until told to end, or forget; and return the exit status."""
    if args.ready_fd is not None:
        try:
            os.fstat(args.ready_fd)
        except OSError:
            args.refuse(f"--ready-fd {args.ready_fd}: this descriptor is not open")
    configuration = read(args.config, inspect=(v.VALIDATE.name, v.MAIL.name, v.NUMBERS.name))
    authority = configuration.authority
    if configuration.validate is None or authority is None or authority.register is None:
        raise ConfigError([Fault(args.config, 0, "", "has no [validate], so it is no validator's")])
    if args.forget:
        return _forget(configuration, authority.register, args.forget)
    _validate(configuration, authority, configuration.validate, args.ready_fd)
    log.info("event=stopped")
    return 0


def _forget(configuration: Configuration, path: Path, texts: list[str]) -> int:
    """Forget CSIs, or none of them if one is no identifier."""
    found = [identifiers.parse(text) for text in texts]
    register = _register(configuration, path, is_daemon=False)
    missing = 0
    try:
        with register.writing() as writing:
            for csi in found:
                if writing.drop(csi.owner):
                    say(f"{csi.text}: forgotten")
                else:
                    complain(f"{csi.text}: nothing is known of it")
                    missing += 1
    finally:
        register.close()
    return 1 if missing else 0


def _validate(
    configuration: Configuration, authority: s.AuthorityPart, validate: v.ValidatePart, ready_fd: int | None
) -> None:
    """Prepare everything, so that what is wrong is said before anything is taken; then work."""
    assert authority.register is not None, "the caller has looked"
    voucher = Voucher(authority.speaker, keys.load(validate.key))
    nodes = _nodes(configuration, authority)
    deliverer = Deliverer(configuration, authority.speaker)
    ways = Ways(deliverer.methods, _draw, secrets.token_bytes(SECRET_OCTETS))
    with ExitStack() as stack:
        opened = [_opened(configuration, stack, index, one) for index, one in enumerate(validate.http)]
        register = _register(configuration, authority.register, is_daemon=True)
        stack.callback(register.close)
        desk = Desk(register, voucher, nodes, ways, validate.terms)
        office = Office(authority.speaker, desk, register, deliverer, validate.proxies)
        readiness = Readiness(tuple(opened), ready_fd)
        trio.run(validating.run, office, [one.socks[0] for one in opened], readiness.tell)


def _draw() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def _register(configuration: Configuration, path: Path, *, is_daemon: bool) -> RegisterWriter:
    assert configuration.authority is not None, "the caller has looked"
    try:
        return RegisterWriter(path, configuration.authority.speaker, is_daemon=is_daemon)
    except MalformedError as error:
        where = s.AUTHORITY.where(s.REGISTER.name)
        raise ConfigError([configuration.fault(where, str(error))]) from error


def _nodes(configuration: Configuration, authority: s.AuthorityPart) -> tuple[Name, ...]:
    """Return where the validator is delegated to, which its store says."""
    where = s.AUTHORITY.where(s.STORE.name)
    if not authority.store.exists():
        reason = f"{authority.store}: there is no store; 'fingerpost sign' makes it"
        raise ConfigError([configuration.fault(where, reason)])
    try:
        owner, nodes = nodes_of(authority.store)
    except MalformedError as error:
        raise ConfigError([configuration.fault(where, str(error))]) from error
    check_store_owner(configuration, owner)
    return nodes


def _opened(configuration: Configuration, stack: ExitStack, index: int, endpoint: Endpoint) -> Opened:
    try:
        sock = stack.enter_context(open_tcp(endpoint))
    except OSError as error:
        reason = f"cannot listen on {endpoint.to_text()}: {os.strerror(error.errno or 0)}"
        raise ConfigError([configuration.fault(v.VALIDATE.where(v.HTTP.name, index), reason)]) from error
    return Opened(Protocol.TCP, Endpoint(*sock.getsockname()[:2]), (sock,))
