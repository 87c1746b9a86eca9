"""Which tree speaks for whom, where a resolver holds several trust anchors. Pure.

Of the nodes over a CSI the longest that any tree was given decides: the trees given it speak, and no other. What a
tree says about anybody else is not asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from zonedata import names
from zonedata.errors import MalformedError
from zonedata.names import Name
from zonedata.trust import Trust

EVERYTHING: tuple[Name, ...] = (names.ROOT,)


@dataclass(frozen=True, slots=True)
class Tree:
    """One of the trees that a resolver believes.

    Attributes:
        name: For people: in logs, in extended errors.
        trust: Its anchor.
        nodes: What it speaks for: each node and everything below, subdomains too.
    """

    name: str
    trust: Trust
    nodes: tuple[Name, ...] = EVERYTHING


class Policy:
    """Says which trees are to be asked.

    Args:
        trees: All of them, in any order.

    Attributes:
        trees: In ascending order of their ids.

    Raises:
        MalformedError: Two trees have one id, or one name.
    """

    def __init__(self, trees: Iterable[Tree]) -> None:
        self.trees = tuple(sorted(trees, key=lambda tree: tree.trust.tree))
        for what, values in (
            ("id", [tree.trust.tree.hex() for tree in self.trees]),
            ("name", [tree.name for tree in self.trees]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise MalformedError(f"two trees have the {what} {twice[0]}")
        self._at: dict[Name, tuple[Tree, ...]] = {}
        for tree in self.trees:
            for node in dict.fromkeys(tree.nodes):
                self._at[node] = (*self._at.get(node, ()), tree)

    def speaking_for(self, owner: Name) -> tuple[Tree, ...]:
        """Return the trees that speak for a CSI, in ascending order of their ids; none where nobody does."""
        for node in reversed(names.ancestors(owner)):
            found = self._at.get(node)
            if found is not None:
                return found
        return ()
