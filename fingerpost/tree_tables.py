"""The [[tree]] tables of a resolver that believes several trees: what may stand there, and whether they agree."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fingerpost import readers
from fingerpost import sections as s
from fingerpost import upstream_sections as u
from fingerpost.definitions import Given, Key, Notes, Required, Section
from fingerpost.toml_lines import Where
from resolver.policy import EVERYTHING
from zonedata import identifiers
from zonedata.errors import MalformedError
from zonedata.names import Name

MAX_TREES = 8  # a question may cost the time and the packets of one in each; more need a resolver for each
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")


def _tree_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise MalformedError(f"{text[:40]!r}, expected 1 to 32 of the characters a-z, 0-9, '.' and '-'")
    return text


NAME = Key("name", readers.text_as(_tree_name), "short word", "what logs and extended errors call the tree")
NODES = Key(
    "nodes",
    readers.list_of(readers.text_as(identifiers.node_from_text)),
    "array of +PREFIX and @DOMAIN",
    "what the tree speaks for; of all trees the longest node over an identifier decides, '.' is everything",
    EVERYTHING,
)
TREE = Section(
    "tree",
    "One of several trees, in the place of 'anchor' in [resolver]; each in a table of its own, [[tree]].",
    (NAME, replace(s.TRUST, default=Required.YES), NODES, u.ROOT),
)
ANCHOR = TREE.keys[1]


@dataclass(frozen=True, slots=True)
class TreePart:
    """One of several trees: whom to believe about what, and whom to ask first."""

    name: str
    anchor: Path
    nodes: tuple[Name, ...]
    root: tuple[u.RootServer, ...]


def read_trees(tables: Any, notes: Notes) -> list[Given]:
    """Read what a file gives for `tree`, an array of tables; every mistake in it is noted."""
    if tables is None:
        return []
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        notes.add((TREE.name,), "expected an array of tables: [[tree]] on a line of its own before each")
        return []
    if len(tables) > MAX_TREES:
        notes.add((TREE.name, MAX_TREES), f"{len(tables)} trees, at most {MAX_TREES} are allowed")
    return [Given(replace(TREE, index=index), table, notes) for index, table in enumerate(tables)]


def tree_parts(trees: Sequence[Given]) -> tuple[TreePart, ...]:
    """Return the sound ones."""
    return tuple(TreePart(tree[NAME], tree[ANCHOR], tree[NODES], tree[u.ROOT]) for tree in trees if tree.is_whole)


def disagreements_of(trees: Sequence[Given], resolver: Given) -> Iterator[tuple[Where, str]]:
    """Say where trees and [resolver] do not agree, and why."""
    if not trees:
        if resolver.is_there and not resolver.has(s.TRUST):
            yield s.RESOLVER.where(s.TRUST.name), f"missing; expected {s.TRUST.form}: {s.TRUST.doc}"
        return
    if not resolver.is_there:
        yield (TREE.name, 0), "has no [resolver] beside it that would seek in it"
        return
    if resolver.has(s.TRUST):
        yield s.RESOLVER.where(s.TRUST.name), "stands beside [[tree]]; each tree has its own, and there is no other"
    if resolver.has(u.ROOT):
        yield s.RESOLVER.where(u.ROOT.name), "stands beside [[tree]]; each tree has its own"
    names = [tree.get(NAME) for tree in trees]
    for index, tree in enumerate(trees):
        if names[index] is not None and names[index] in names[:index]:
            yield tree.section.where(NAME.name), f"{names[index]!r} is the name of another tree, too"
        lab, plain = resolver.get(s.LAB_ADDRESSES), resolver.get(u.ALLOW_PLAIN_UPSTREAM)
        servers = tree.get(u.ROOT) or ()
        for number, reason in u.undialled(servers, lab_addresses=bool(lab), allow_plain=bool(plain)):
            yield tree.section.where(u.ROOT.name, number), reason
