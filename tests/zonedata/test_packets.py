"""The packet cache: what comes out is what went in, aged, and it stays within its octets."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import names, replies, wire
from zonedata.cookies import Cookies, Secrets
from zonedata.kinds import MAX_TTL
from zonedata.packets import (
    MAX_TTLS,
    OVERHEAD,
    SORTS,
    STREAM_MARK,
    TTLS_STAY,
    Ages,
    Packets,
    ready_reply,
    ttls_of,
)
from zonedata.wire import QType, Query, Rcode, Reply

NOW = 1_800_000_000.0
APEX = names.from_text("fingerpost.internal.")
OWNER = names.from_text("5.1.4.1.e164.")
COOKIES = Cookies(Secrets(bytes(16)))


def _query(message_id: int = 7, flags: int = wire.FLAG_RD) -> Query:
    query = wire.read_query(wire.query_wire(OWNER, APEX, QType.CSI, message_id, flags))
    assert isinstance(query, Query)
    return query


def _reply(ttl: int = 300, count: int = 1, data: bytes = b"data") -> bytes:
    query = _query()
    reply = Reply(answer=[wire.record(QType.CSI, ttl, data)] * count, errors=[(wire.Ede.OTHER, "text")])
    reply.authority.append(wire.soa_record(query, APEX, 1, ttl))
    return reply.to_wire(query, wire.MAX_STREAM)


def _read(reply: bytes | None) -> tuple[int, ...]:
    assert reply is not None
    return tuple(record.ttl for record in replies.read_reply(reply).records)


def test_a_reply_comes_back_but_for_its_id_and_aged() -> None:
    packets = Packets()
    reply = _reply()
    packets.put(b"key", reply, NOW + 100, Ages(NOW + 300))
    assert packets.get(b"key", NOW) == b"\0\0" + reply[2:]
    assert _read(packets.get(b"key", NOW + 99.5)) == (200, 200)
    aged = packets.get(b"key", NOW + 99.5)
    assert aged is not None
    assert int.from_bytes(aged[ttls_of(aged)[-1] :][:4], "big") == 200  # the minimum of the SOA ages along
    assert packets.get(b"key", NOW + 100) is None
    assert packets.get(b"another", NOW) is None


@pytest.mark.parametrize("edns", [None, 514, 1_232])
def test_a_datagram_never_gets_what_is_kept_for_streams(edns: int | None) -> None:
    """Whatever octets follow the question: the reply may be longer than any datagram of ours."""
    opt = b"" if edns is None else b"\0\0\x29" + edns.to_bytes(2, "big") + bytes(6)
    question = names.to_wire(OWNER, APEX) + QType.CSI.to_bytes(2, "big") + b"\0\1"
    plain = b"\1\0\0\1\0\0\0\0\0" + bytes([bool(opt)]) + question + opt
    packets = Packets()
    packets.put(plain + STREAM_MARK, _reply(data=b"x" * 5_000), NOW + 9, TTLS_STAY)
    outbox = memoryview(bytearray(4_224))
    for octet in range(256):
        message = memoryview(b"id" + plain + bytes([octet]))
        assert ready_reply(packets, COOKIES, message, 0, len(message), bytes(4), outbox, 0, NOW) == 0
    assert packets.get(plain + STREAM_MARK, NOW) is not None


def test_ttls_stay_where_they_are_to_stay() -> None:
    packets = Packets()
    packets.put(b"key", _reply(60), NOW + 1_000, TTLS_STAY)
    assert _read(packets.get(b"key", NOW + 999)) == (60, 60)


def test_a_ttl_is_bounded_and_never_zero() -> None:
    packets = Packets()
    packets.put(b"most", _reply(), NOW + 1_000, Ages(NOW + 1_000, 30))
    assert _read(packets.get(b"most", NOW)) == (30, 30)
    packets.put(b"least", _reply(), NOW + 1_000, Ages(NOW + 10.5))
    assert _read(packets.get(b"least", NOW + 10)) == (1, 1)
    assert _read(packets.get(b"least", NOW + 500)) == (1, 1)


@given(st.floats(-10, 1e6), st.integers(1, MAX_TTL))
def test_what_is_kept_ages_as_what_is_laid_out(passed: float, most: int) -> None:
    packets = Packets()
    ages = Ages(NOW + 300, most)
    packets.put(b"key", _reply(), NOW + 2e6, ages)
    assert set(_read(packets.get(b"key", NOW + passed))) == {ages.ttl(NOW + passed)}


def test_what_has_too_many_ttls_is_not_kept() -> None:
    packets = Packets()
    packets.put(b"key", _reply(count=MAX_TTLS), NOW + 1, Ages(NOW + 1))
    assert len(packets) == 0
    packets.put(b"key", _reply(count=MAX_TTLS), NOW + 1, TTLS_STAY)
    assert len(packets) == 1


def test_what_is_used_stays_when_it_is_full() -> None:
    reply = _reply(data=b"x" * 500)
    room = 10 * (OVERHEAD + 26 + 4 + len(reply) + 4)
    packets = Packets(room)
    for number in range(100):
        packets.put(b"%04d" % number, reply, NOW + 9, Ages(NOW + 9))
        assert packets.get(b"0000", NOW) is not None
    assert packets.octets <= room
    assert packets.evicted == 100 - len(packets)
    assert packets.get(b"0099", NOW) is not None
    assert packets.get(b"0050", NOW) is None


def test_what_is_larger_than_all_of_it_is_not_kept() -> None:
    packets = Packets(200)
    packets.put(b"key", _reply(data=b"x" * 500), NOW + 9, TTLS_STAY)
    assert (len(packets), packets.octets) == (0, 0)


def test_replies_given_are_counted_by_sort() -> None:
    packets = Packets()
    packets.put(b"a", _reply(), NOW + 9, TTLS_STAY, 3)
    for _ in range(4):
        packets.get(b"a", NOW)
    packets.get(b"b", NOW)
    assert packets.given == [0, 0, 0, 4] + [0] * (SORTS - 4)


_KEYS = st.sampled_from([b"%d" % number for number in range(12)])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _KEYS, st.integers(0, 400), st.floats(0, 20)),
        st.tuples(st.just("get"), _KEYS, st.just(0), st.just(0.0)),
        st.tuples(st.just("drop"), _KEYS, st.just(0), st.just(0.0)),
        st.tuples(st.just("wait"), st.just(b""), st.just(0), st.floats(0, 5)),
        st.tuples(st.just("clear"), st.just(b""), st.just(0), st.just(0.0)),
    ),
    max_size=60,
)


@given(_STEPS, st.sampled_from([600, 2_000, 100_000]))
def test_it_is_a_dictionary_that_forgets(steps: list[tuple[str, bytes, int, float]], room: int) -> None:
    packets, model, now = Packets(room), dict[bytes, tuple[bytes, float]](), NOW
    for what, key, size, seconds in steps:
        if what == "put":
            reply = _reply(data=b"x" * size)
            packets.put(key, reply, now + seconds, TTLS_STAY)
            model[key] = reply, now + seconds
        elif what == "get":
            found = packets.get(key, now)
            known = model.get(key)
            if found is not None:
                assert known is not None
                assert found[2:] == known[0][2:]
                assert now < known[1]
            elif room == 100_000:
                assert known is None or known[1] <= now
        elif what == "drop":
            packets.drop(key)
            model.pop(key, None)
        elif what == "clear":
            packets.clear()
            model.clear()
        else:
            now += seconds
        assert packets.octets <= room
        assert packets.octets == sum(_weights(packets))


def _weights(packets: Packets) -> Iterator[int]:
    for key, entry in packets._entries.items():
        assert packets._keys.count(key) == 1
        yield OVERHEAD + len(key) + len(entry)


@pytest.mark.parametrize("rcode", [Rcode.NOERROR, Rcode.SERVFAIL])
def test_a_reply_without_records_has_no_ttls(rcode: Rcode) -> None:
    assert ttls_of(Reply(rcode).to_wire(_query(), 512)) == []
