"""Any order of putting, asking, writing, reopening and waiting, against exact models of what must come back."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from resolver.proven import memory, shared
from resolver.proven.memory import MemoryProven
from resolver.proven.shared import SharedProven
from resolver.proven.store import Proven
from tests.resolver.proven.making import (
    ROLLED,
    ROOT_ZONE,
    A,
    B,
    assertion,
    authority,
    block,
    delegation,
    denial,
    gap,
    opened,
)
from tests.zonedata.builders import NOW, number
from tests.zonedata.samples import TREE
from zonedata.holdings import ZoneHoldings
from zonedata.identifiers import authority_node
from zonedata.kinds import Role
from zonedata.names import Name, ancestors
from zonedata.opening import Opened, Signer
from zonedata.person_statements import Block, Denial
from zonedata.statements import Statement

OWNERS = [number(text) for text in ("+1111", "+11111", "+11112", "+11211", "+12111", "+22222")]
NODES = ["", "+1", "+11", "+111", "+1111", "+112", "+12", "+2"]
AUTHORITIES = ["a.example", "b.example"]
SERIALS = st.integers(1, 4)
LIVES = st.tuples(st.integers(0, 30), st.integers(1, 30)).map(sorted)
ENDS = [*NODES[1:], ""]
Key = tuple[Any, ...]


def thing_of(statement: Statement) -> Key:
    """What a newer statement of a party takes the place of."""
    at = statement.node if isinstance(statement, Block) else statement.owner  # type: ignore[union-attr]  # persons' only
    return statement.kind, at, statement.role if isinstance(statement, Denial) else None


class Against(RuleBasedStateMachine):
    """The machine; what it runs against is in the classes below."""

    exact = True

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.proven = self.open()
        self.now: float = NOW
        self.said: dict[tuple[Key, Key], Opened[Statement]] = {}
        self.zone = ZoneHoldings()
        self.given: list[tuple[Key, Opened[Statement]]] = []

    def open(self) -> Proven:
        raise NotImplementedError

    def teardown(self) -> None:
        self.proven.close()
        shutil.rmtree(self.place)

    def made(self, statement: Statement, life: list[int], by: str = "") -> Opened[Statement]:
        return opened(statement, keep=self.now + life[0], until=self.now + life[1], by=by)

    def add_said(self, signer: Signer, one: Opened[Statement]) -> None:
        self.proven.put(signer, one, self.now)
        self.given.append((signer.principal, one))
        key = (signer.principal, thing_of(one.statement))
        held = self.said.get(key)
        if held is None or held.until <= self.now or held.statement.life.serial <= one.statement.life.serial:
            self.said[key] = one

    @rule(signer=st.sampled_from([A, B]), owner=st.sampled_from(OWNERS), serial=SERIALS, life=LIVES, what=st.data())
    def put_word(self, signer: Signer, owner: Name, serial: int, life: list[int], what: st.DataObject) -> None:
        role = what.draw(st.sampled_from([None, Role.MSP, Role.CSIP]))
        word = assertion(owner, serial, signer.name) if role is None else denial(owner, serial, signer.name, role)
        self.add_said(signer, self.made(word, life))

    @rule(
        signer=st.sampled_from([A, B]),
        node=st.sampled_from(NODES[1:]),
        serial=SERIALS,
        life=LIVES,
        some=st.booleans(),
    )
    def put_block(self, signer: Signer, node: str, serial: int, life: list[int], some: bool) -> None:
        self.add_said(signer, self.made(block(node, serial, signer.name, ("1",) if some else ()), life))

    def add_zone(self, one: Opened[Statement], signer: Signer) -> None:
        self.proven.put(signer, one, self.now)
        self.given.append((signer.principal, one))
        self.zone.add(one, signer, self.now)

    @rule(ends=st.tuples(st.integers(0, 7), st.integers(1, 3)), serial=SERIALS, life=LIVES, kind=st.integers(0, 3))
    def put_gap(self, ends: tuple[int, int], serial: int, life: list[int], kind: int) -> None:
        first, following = NODES[ends[0]], ENDS[min(sum(ends), 8) - 1]
        said = gap(first, following, *((1,) if kind & 1 and first else ()), serial=serial)
        self.add_zone(self.made(said, life, "2 " if kind & 2 else ""), ROLLED if kind & 2 else ROOT_ZONE)

    @rule(node=st.sampled_from(NODES), serial=SERIALS, life=LIVES, new=st.booleans())
    def put_delegation(self, node: str, serial: int, life: list[int], new: bool) -> None:
        self.add_zone(self.made(delegation(node, serial), life, "2 " if new else ""), ROLLED if new else ROOT_ZONE)

    @rule(name=st.sampled_from(AUTHORITIES), serial=SERIALS, life=LIVES)
    def put_authority(self, name: str, serial: int, life: list[int]) -> None:
        self.add_zone(self.made(authority(name, serial), life), ROOT_ZONE)

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def flush(self) -> None:
        self.proven.flush()

    @rule(signer=st.sampled_from([A, B]), owner=st.sampled_from(OWNERS))
    def ask_about(self, signer: Signer, owner: Name) -> None:
        found = self.proven.said(signer, owner, self.now)
        self.check(signer, found)
        if self.exact:
            due = [
                one
                for (principal, _), one in self.said.items()
                if principal == signer.principal and one.until > self.now and speaks(one.statement, owner)
            ]
            assert sorted(found, key=repr) == sorted(due, key=repr)
            blocks = [len(one.statement.node) for one in found if isinstance(one.statement, Block)]
            assert blocks == sorted(blocks, reverse=True)

    @rule(
        name=st.sampled_from([number(node) for node in NODES[1:]] + [authority_node(name) for name in AUTHORITIES])
    )
    def ask_zone(self, name: Name) -> None:
        self.proven.flush()  # what was put is in order with the rest from then on
        found = self.proven.zone_for(ROOT_ZONE, name, self.now)
        self.check(ROOT_ZONE, found)
        if self.exact:
            held = ZoneHoldings()
            assert not any(held.add(one, ROOT_ZONE, self.now) for one in found)
            for signer in (ROOT_ZONE, ROLLED):
                assert held.gap_for(name, signer, self.now) == self.zone.gap_for(name, signer, self.now)
                for node in ancestors(name):
                    due = self.zone.delegation(node, signer, self.now)
                    assert held.delegation(node, signer, self.now) == due

    @rule(name=st.sampled_from(AUTHORITIES))
    def ask_authority(self, name: str) -> None:
        self.proven.flush()
        found = self.proven.authority(ROOT_ZONE, name, self.now)
        self.check(ROOT_ZONE, [found] if found is not None else [])
        if self.exact:
            usable = found if found is not None and found.keep > self.now else None
            assert usable == self.zone.authority(name, ROOT_ZONE, self.now)

    def check(self, signer: Signer, found: list[Any]) -> None:
        for one in found:
            assert one.until > self.now
            assert (signer.principal, one) in self.given

    @invariant()
    def nothing_is_lost(self) -> None:
        assert not self.proven.statistics().lost


def speaks(statement: Statement, owner: Name) -> bool:
    if isinstance(statement, Block):
        return statement.speaks_for(owner)
    return bool(getattr(statement, "owner", None) == owner)


class AgainstMemory(Against):
    def open(self) -> Proven:
        return MemoryProven(TREE)


class AgainstShared(Against):
    """Closed and opened in between, too."""

    def open(self) -> Proven:
        return SharedProven.open(self.place / "proven", TREE, shared.MIN_SIZE)

    @rule()
    def reopen(self) -> None:
        self.proven.close()
        self.proven = self.open()


class AgainstSmallMemory(Against):
    exact = False

    def open(self) -> Proven:
        return MemoryProven(TREE, 6 * (memory.OVERHEAD + 250))

    @invariant()
    def is_bounded(self) -> None:
        figures = self.proven.statistics()
        assert figures.octets <= figures.bound


TestMemory = AgainstMemory.TestCase
TestShared = AgainstShared.TestCase
TestSmallMemory = AgainstSmallMemory.TestCase
