"""`fingerpost check`: everything is read, nothing is started; every fault with its line."""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from fingerpost import reference, relay_configuration
from fingerpost import sections as s
from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import Configuration, examine
from fingerpost.definitions import Section
from fingerpost.output import say
from fingerpost.relay_configuration import RelayConfiguration
from fingerpost.relay_sections import RELAY
from fingerpost.store_state import look_into, owner_of
from fingerpost.tls_sections import ENCRYPTION
from fingerpost.upstream import trust_of
from fingerpost.workload import check_store_owner, workload_of
from root.publishing import ListingsWork, WholeWork, ZoneWork
from zonedata.errors import ConfigError, Fault, MalformedError
from zonedata.keys import PrivateKey
from zonedata.zone_statements import TREE_OCTETS

_EPILOG = """\
Reads the configuration, its keys, its anchor, its zone source or listings to
the last line, and the store if there is one. Each fault is a line

  FILE:LINE: KEY: REASON

and the last line counts them; lines that begin with 'note:' are worth knowing
and no faults. Nothing is started, signed or changed, so it can stand in
ExecStartPre= and in Ansible's validate=.

examples:
  fingerpost check msp.toml resolver.toml
  fingerpost check --reference
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "check", "check configurations and all that they name", _EPILOG)
    parser.add_argument("configs", nargs="*", type=Path, metavar="CONFIG", help="a configuration")
    parser.add_argument(
        "--reference", action="store_true", help="print every key of a configuration and what it does"
    )
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Print what was found and return the exit status."""
    if args.reference:
        say(reference.to_text())
        return 0
    if not args.configs:
        args.refuse("expected CONFIG... or --reference")
    now = time.time()
    count = 0
    for path in args.configs:
        faults = 0
        for found in _look_at(path, now):
            faults += isinstance(found, Fault)
            say(found.to_text() if isinstance(found, Fault) else found)
        if not faults:
            say(f"{path}: no faults")
        count += faults
    if count:
        say(f"{count} fault" if count == 1 else f"{count} faults")
    return 1 if count else 0


def _look_at(path: Path, now: float) -> Iterator[Fault | str]:
    """Yield every fault of a file and of what it names, and what is worth knowing."""
    if relay_configuration.is_one(path):
        try:
            relay = relay_configuration.read(path)
        except ConfigError as error:
            yield from error.faults
        else:
            yield from _look_at_tls(relay, now, RELAY)
        return
    try:
        examined = examine(path)
    except ConfigError as error:
        yield from error.faults
        return
    yield from examined.faults
    configuration = examined.configuration
    at_fault = {fault.field for fault in examined.faults}
    if configuration.sign is not None and at_fault.isdisjoint({"sign.zone", "sign.listings", "sign.revocations"}):
        yield from _faults_in(lambda: _sources_of(configuration).check(now))
    if configuration.sign is not None and not any(field.startswith("sign.") for field in at_fault):
        yield from _faults_in(lambda: workload_of(configuration, now))
    if configuration.resolver is not None and at_fault.isdisjoint({"resolver.anchor", "tree.name", "tree.anchor"}):
        yield from _faults_in(lambda: trust_of(configuration))
    if configuration.tls is not None:
        yield from _look_at_tls(configuration, now, ENCRYPTION)
    if configuration.authority is not None:
        yield from _look_at_store(configuration, configuration.authority.store, now)


def _look_at_tls(
    configuration: Configuration | RelayConfiguration, now: float, section: Section
) -> Iterator[Fault | str]:
    from fingerpost.served_tls import look_at  # noqa: PLC0415 - takes long to import, and most files have no [tls]

    try:
        yield f"note: {configuration.path}: {look_at(configuration, now, section)}"
    except ConfigError as error:
        yield from error.faults


def _faults_in(look: Callable[[], object]) -> list[Fault]:
    try:
        look()
    except ConfigError as error:
        return error.faults
    return []


def _sources_of(configuration: Configuration) -> ZoneWork | ListingsWork | WholeWork:
    """Return the sources; a check of them needs no key, and any tree will do."""
    authority, sign = configuration.authority, configuration.sign
    assert authority is not None, "a [sign] without an [authority] is refused when it is read"
    assert sign is not None, "the caller has looked"

    def zone(part: s.ZoneSigning) -> ZoneWork:
        return ZoneWork(part.zone, authority.name, bytes(TREE_OCTETS))

    def listed(part: s.ListingsSigning) -> ListingsWork:
        return ListingsWork(part.listings, authority.speaker, part.nodes, part.revocations)

    if isinstance(sign, s.WholeSigning):
        return WholeWork(zone(sign.zone), PrivateKey.generate(), listed(sign.listings))
    return zone(sign) if isinstance(sign, s.ZoneSigning) else listed(sign)


def _look_at_store(configuration: Configuration, store: Path, now: float) -> Iterator[Fault | str]:
    where = s.AUTHORITY.where(s.STORE.name)
    if not (store.exists() or store.is_symlink()):
        yield f"note: {configuration.path}: {store}: no store yet; 'fingerpost sign' makes it"
        return
    try:
        state, owner = look_into(store), owner_of(store)
    except MalformedError as error:
        yield configuration.fault(where, str(error))
        return
    yield from _faults_in(lambda: check_store_owner(configuration, owner))
    expiry = ""
    if state.expires is not None:
        when = f"{datetime.fromtimestamp(state.expires, UTC):%Y-%m-%dT%H:%M:%SZ}"
        if state.expires <= now:
            yield configuration.fault(where, f"has statements that expired, the first on {when}; sign again")
        expiry = f", the first expires {when}"
    yield f"note: {configuration.path}: {store}: serial {state.serial}, {state.statements} statements{expiry}"
