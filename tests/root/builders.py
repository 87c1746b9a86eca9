"""Stores, engines and services from a few lines of source, in memory."""

from collections.abc import Iterable
from pathlib import Path

from root.engine import Engine
from root.service import Service
from root.signing import Entry, Signing, rootkeys_entries, sign_listings, sign_zone
from root.sorting import order_of
from tests.zonedata.builders import anchor, key, rootkeys, seal_rootkeys
from zonedata import identifiers, names
from zonedata.kinds import Role
from zonedata.listings import BlockListing, Listing
from zonedata.opening import Refusal, read_claim
from zonedata.statements import Statement
from zonedata.store.layout import data_of
from zonedata.store.memory import MemoryTables
from zonedata.zonefile import parse_zone

NOW = 1_750_000_000
SERIAL = 77
TREE = anchor().tree
APEX = names.from_text("fingerpost.internal.")


def binding(authority: str) -> str:
    """The lines that bind an authority."""
    uses = "".join(
        f"key {authority} {use} {key(f'{authority}/{use}').public.to_text()}\n" for use in ("assert", "deny")
    )
    return uses + f"server {authority} ns.{authority} 8.8.8.8 udp=53 tcp=53\n"


def zone_entries(lines: str, versions: int = 0) -> list[Entry]:
    """Sign a zone's source; for the root with versions of its keys."""
    source = parse_zone(Path("x.zone"), lines.encode().splitlines())
    signing = Signing(key(f"{source.zone}/zone"), NOW, SERIAL)
    sealed = [seal_rootkeys(rootkeys(n, tree=b"" if n == 1 else TREE)) for n in range(1, versions + 1)]
    return [*sign_zone(source, TREE, signing), *rootkeys_entries(sealed)]


def people_entries(held: Iterable[Listing | BlockListing], scope: str = "+ @") -> list[Entry]:
    """Sign the listings of a.example."""
    nodes = [identifiers.node_from_text(text) for text in scope.split()]
    signing = Signing(key("a.example/assert"), NOW, SERIAL)
    return list(sign_listings(sorted(held, key=order_of), "a.example", nodes, signing))


def zone_engine(lines: str, versions: int = 0) -> Engine:
    """An engine for a zone."""
    return Engine(MemoryTables(zone_entries(lines, versions)))


def people_engine(
    held: Iterable[Listing | BlockListing] = (), roles: tuple[Role, ...] = (Role.MSP,), scope: str = "+ @"
) -> Engine:
    """An engine for an MSP, a.example."""
    return Engine(MemoryTables(people_entries(held, scope=scope)), key("a.example/deny"), roles)


def service(engine: Engine) -> Service:
    """Serve under the usual apex."""
    return Service(engine, APEX)


def person(digits: str, user: str = "x") -> Listing:
    """One number's listing."""
    return Listing(1, identifiers.node_from_text(digits), f"mimi://a.example/u/{user}", ())


def block(prefix: str, lengths: tuple[int, ...] = (4,), exceptions: tuple[str, ...] = ()) -> BlockListing:
    """One block; the SSIs say which."""
    template = f"mimi://a.example/b{prefix[1:]}/{{number}}"
    return BlockListing(1, identifiers.node_from_text(prefix), template, lengths, exceptions)


def read(envelope: bytes) -> Statement:
    """Read what an envelope says."""
    claim = read_claim(envelope)
    assert not isinstance(claim, Refusal), claim.to_text()
    return claim.statement


def said(values: Iterable[bytes]) -> list[Statement]:
    """Read what entries say."""
    return [read(data_of(value)) for value in values]
