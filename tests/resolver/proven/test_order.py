import pytest

from resolver.proven import order
from resolver.proven.entry import pack
from resolver.proven.keys import Keys
from resolver.proven.memory import MemoryTable
from resolver.proven.order import Put, add
from tests.resolver.proven.making import ROOT_ZONE, A, assertion, delegation, denial, gap, opened
from tests.zonedata.builders import NOW, number
from tests.zonedata.samples import TREE
from zonedata.statements import Statement

KEYS = Keys(bytes(32), TREE)


def put(table: MemoryTable, statement: Statement, now: float = NOW, until: float = NOW + 90) -> bool:
    signer = ROOT_ZONE if getattr(statement, "zone", None) == "." else A
    one = opened(statement, until=until, keep=until)
    return add(table, KEYS, Put(signer, one, KEYS.of(signer.principal, statement), pack(one), now))


def test_a_gap_with_too_much_in_it_is_not_kept_but_clears_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "MAX_NEAR", 5)
    monkeypatch.setattr(order, "MAX_TURNS", 1)
    table = MemoryTable()
    for digits in range(11, 20):
        assert put(table, delegation(f"+1{digits}"))
    whole = gap("+1", "+2", serial=2)
    assert not put(table, whole)
    assert len(table) < 9
    assert [put(table, whole) for _ in range(3)][-1]
    assert len(table) == 1


def test_what_is_damaged_bars_nothing() -> None:
    for statement in (assertion(number("+1"), 1), delegation("+1", 1)):
        table = MemoryTable()
        newer = (
            assertion(number("+1"), 2) if statement.kind is assertion(number("+1")).kind else delegation("+1", 2)
        )
        put(table, newer)
        signer = ROOT_ZONE if getattr(statement, "zone", None) == "." else A
        key = KEYS.of(signer.principal, statement)
        octets = bytearray(table.get(key) or b"")
        octets[90:] = bytes(len(octets) - 90)
        table.put(key, bytes(octets))
        assert put(table, statement)


def test_what_has_ended_goes_when_something_else_is_said() -> None:
    table, owner = MemoryTable(), number("+1")
    put(table, assertion(owner), until=NOW + 5)
    before = table.octets
    put(table, denial(owner), now=NOW + 5)
    assert len(table) == 1
    assert table.octets < before + 50
