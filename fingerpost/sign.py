"""`fingerpost sign`: sources in, a store out."""

import argparse
import time
from contextlib import suppress
from pathlib import Path

from fingerpost.anchor import write_servers
from fingerpost.arguments import Subparsers, add_command
from fingerpost.configuration import read
from fingerpost.output import say
from fingerpost.sections import SIGN
from fingerpost.store_state import owner_of
from fingerpost.workload import check_store_owner, workload_of
from root.publishing import publish
from zonedata.errors import ConfigError, MalformedError

_EPILOG = """\
Reads the sources that [sign] names, signs what they say and puts the new store
in the place of the old one. When anything is wrong all of it is printed, and
the old store stays. For the root, the anchor file is given the root's servers,
if the zone has them ('server . ...').

A daemon that is running takes over the new store on SIGHUP. Where there are
several servers, give all of them the same store. After going back to older
sources, or to an older store, sign: what resolvers have seen the end of they
refuse until it is signed anew. Zones live for 7 days, assertions for 14,
blocks for one: sign daily.

examples:
  fingerpost sign msp.toml && systemctl reload fingerpost
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add it to the tree."""
    parser = add_command(subparsers, "sign", "sign a zone or a provider's listings and build the store", _EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a configuration with [authority] and [sign]")


def run(args: argparse.Namespace) -> int:
    """Sign, print one line and return the exit status."""
    started = time.monotonic()
    configuration = read(args.config, inspect=(SIGN.name,))
    authority = configuration.authority
    if authority is None or configuration.sign is None:
        raise ConfigError([configuration.fault((), "has no [sign] that says what to sign")])
    now = time.time()
    load = workload_of(configuration, now)
    with suppress(MalformedError):  # there is none yet, or none that can be read: it is made anew
        check_store_owner(configuration, owner_of(load.store))
    published = publish(load.work, load.key, load.store, int(now))
    if load.anchor is not None and authority.name == "." and published.root_binding is not None:
        trust, path = load.anchor
        write_servers(path, trust, published.root_binding)
    spent = time.monotonic() - started
    say(f"{authority.name}: {published.statements} statements, serial {published.serial}, {spent:.2f} seconds")
    return 0
