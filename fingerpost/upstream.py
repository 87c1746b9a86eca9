"""Whom a resolver believes and asks first, from its configuration."""

from dataclasses import replace
from pathlib import Path

from fingerpost import sections as s
from fingerpost.configuration import Configuration
from fingerpost.toml_lines import Where
from fingerpost.tree_tables import TREE
from fingerpost.upstream_sections import RootServer, plain_alone
from resolver.policy import Policy, Tree
from zonedata import addresses, trust
from zonedata.errors import ConfigError, Fault
from zonedata.trust import Trust
from zonedata.zone_statements import Server


def trust_of(configuration: Configuration) -> Trust | Policy:
    """Read the anchor, or that of each tree, with the servers that the configuration gives in the place of its own.

    Raises:
        ConfigError: There is no server that may be asked, or two trees are one.
        MalformedError, UntrustedError: The file has changed since the configuration was read.
    """
    resolver = configuration.resolver
    assert resolver is not None, "the caller has looked"
    if resolver.anchor is not None:
        return _anchor(configuration, resolver.anchor, resolver.root, s.RESOLVER.where(s.TRUST.name))
    trees: list[Tree] = []
    faults: list[Fault] = []
    for index, part in enumerate(configuration.trees):
        where = (TREE.name, index, s.TRUST.name)
        try:
            anchor = _anchor(configuration, part.anchor, part.root, where)
        except ConfigError as error:
            faults += error.faults
            continue
        same = next((tree.name for tree in trees if tree.trust.tree == anchor.tree), None)
        if same is not None:
            faults.append(configuration.fault(where, f"is of the same tree as that of {same!r}"))
        trees.append(Tree(part.name, anchor, part.nodes))
    if faults:
        raise ConfigError(faults)
    return Policy(trees)


def _anchor(configuration: Configuration, path: Path, root: tuple[RootServer, ...], where: Where) -> Trust:
    assert configuration.resolver is not None, "the caller has looked"
    anchor = trust.read_anchor(path)
    if root:
        return replace(anchor, servers=tuple(server.to_server(number) for number, server in enumerate(root, 1)))
    if not anchor.servers:
        reason = (
            "names no servers of the root; set 'root', or take the anchor file that 'fingerpost sign' completes "
            "when the root zone has a line 'server . ...'"
        )
        raise ConfigError([configuration.fault(where, reason)])
    is_laboratory = configuration.resolver.lab_addresses
    if not is_laboratory and not any(_may_be_dialled(server) for server in anchor.servers):
        reason = "names servers of the root at private addresses only; 'lab_addresses = true' allows them"
        raise ConfigError([configuration.fault(where, reason)])
    if not configuration.resolver.allow_plain_upstream and plain_alone(anchor.servers):
        reason = (
            "names servers of the root that take plain DNS alone, which is not encrypted; set 'root' with a pin, "
            "or 'allow_plain_upstream = true' allows it"
        )
        raise ConfigError([configuration.fault(where, reason)])
    return anchor


def _may_be_dialled(server: Server) -> bool:
    return any(
        addresses.refusal_of(address, port) is None for address in server.addresses for _, port in server.ports
    )
