from dataclasses import replace

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.builders import key
from tests.zonedata.samples import SAMPLES
from zonedata import names, statements, wire
from zonedata.kinds import Kind
from zonedata.statements import Statement
from zonedata.store import layout
from zonedata.wire import QType, Query, Reply

SEALED = [(said, statements.seal(said, key("x"))) for kind, said in SAMPLES.items() if kind is not Kind.STATUS]


@pytest.mark.parametrize("said", [said for said, _ in SEALED], ids=lambda said: said.kind.name)
def test_an_entry_gives_the_envelope_and_the_record_back(said: Statement) -> None:
    sealed = statements.seal(said, key("x"))
    value = layout.entry(said.life, sealed)
    assert layout.data_of(value) == sealed.to_wire()
    assert int.from_bytes(value[:8], "big") == said.life.expires
    now = said.life.expires - said.life.ttl
    assert layout.record_of(value, QType.ZONE, now) == wire.record(QType.ZONE, said.life.ttl, sealed.to_wire())


_since = st.integers(-40, 400_000).map(lambda quarters: quarters / 4)  # exact, beside ten digits of seconds too


@given(st.integers(1, 100_000), _since, st.integers(0, 50_000))
def test_the_ttl_is_cut_to_what_is_left_and_nothing_is_given_after_that(life: int, since: float, ttl: int) -> None:
    said, sealed = SEALED[-1]
    one = replace(said.life, ttl=ttl, expires=said.life.issued + life)
    record = layout.record_of(layout.entry(one, sealed), QType.CSI, one.issued + since)
    left = int(life - since)
    if left <= 0:
        assert record is None
    else:
        assert record == wire.record(QType.CSI, min(ttl, left), sealed.to_wire())


def test_a_record_stands_under_the_question() -> None:
    said, sealed = SEALED[-1]
    record = layout.record_of(layout.entry(said.life, sealed), QType.CSI, said.life.issued)
    assert record is not None
    query = wire.read_query(wire.query_wire(names.from_text("1.e164."), names.from_text("x."), QType.CSI, 1))
    assert isinstance(query, Query)
    [rrset] = dns.message.from_wire(Reply(answer=[record]).to_wire(query, 1_232)).answer
    assert rrset.name.to_text() == "1.e164.x."
    assert [one.to_wire() for one in rrset] == [sealed.to_wire()]


@given(st.lists(st.integers(0, 40), max_size=40, unique=True).map(sorted), st.binary(max_size=40))
def test_a_block_entry_is_split_where_it_was_joined(counts: list[int], value: bytes) -> None:
    assert layout.split_block(layout.block_entry(counts, value)) == (bytes(counts), value)


def test_tables_are_named_once() -> None:
    assert len({table.value for table in layout.Table}) == len(layout.Table) == 9
