"""Lengths that tell nothing: what is padded has a length reckoned from who is asked, whatever they say."""

import dns.edns
import dns.message
from hypothesis import given
from hypothesis import strategies as st

from zonedata import names, padding, replies, wire
from zonedata.kinds import Role
from zonedata.padding import BLOCK, padded, room_for, room_with_proof
from zonedata.wire import Ede, QType, Query, Reply

APEX = names.from_text("fingerpost.internal.")
OWNER = names.from_text("5.1.4.1.e164.")
ROLES = st.lists(st.sampled_from(Role), max_size=64)


def _query(*, edns: bool = True) -> Query:
    message = wire.query_wire(OWNER, APEX, QType.CSI, 7)
    if not edns:
        message = message[:10] + b"\0\0" + message[12 : -len(wire.OPT)]
    query = wire.read_query(message)
    assert isinstance(query, Query)
    return query


def test_each_party_has_room_and_so_has_the_head() -> None:
    assert room_for([]) == BLOCK
    assert room_for([Role.MSP, Role.MSP]) == 3 * BLOCK
    assert room_for([Role.REGISTRY, Role.VALIDATOR, Role.CSIP]) == 5 * BLOCK


@given(ROLES, st.integers(0, 60_000))
def test_a_proof_has_room_for_the_zones_besides(roles: list[Role], zones: int) -> None:
    room = room_with_proof(roles, zones)
    assert room % BLOCK == 0
    assert room >= room_for(roles) + zones
    assert room <= room_for(roles) + zones + BLOCK * (2 + len(roles) // padding.ROWS_A_BLOCK)


@given(st.integers(1, 60_000), st.integers(1, 5_000))
def test_what_is_longer_than_the_room_takes_as_much_again(octets: int, room: int) -> None:
    assert padded(octets, room) % room == 0
    assert octets <= padded(octets, room) < octets + room


@given(st.lists(st.binary(max_size=400), max_size=6), st.integers(1, 3_000), st.booleans())
def test_a_padded_reply_says_what_the_bare_one_says(data: list[bytes], room: int, is_failed: bool) -> None:
    query = _query()
    errors = [(Ede.OTHER, "text")] if is_failed else []
    reply = Reply(answer=[wire.record(QType.CSI, 5, one) for one in data], errors=errors)
    bare, whole = reply.to_wire(query, wire.MAX_STREAM), reply.to_wire(query, wire.MAX_STREAM, room)
    assert len(whole) % room == 0
    assert len(whole) >= len(bare) + 4  # the option's head is there, or nothing is told from what is padded
    assert replies.read_reply(whole) == replies.read_reply(bare)
    options = [
        option for option in dns.message.from_wire(whole).options if option.otype == dns.edns.OptionType.PADDING
    ]
    assert [option.to_wire() for option in options] == [bytes(len(whole) - len(bare) - 4)]


def test_a_reply_is_never_padded_above_what_a_message_may_have() -> None:
    reply = Reply(answer=[wire.record(QType.CSI, 5, bytes(40_000))])
    assert len(reply.to_wire(_query(), wire.MAX_STREAM, 40_000)) == wire.MAX_STREAM
    most = wire.MAX_STREAM - len(Reply().to_wire(_query(), wire.MAX_STREAM)) - wire.RECORD_OCTETS
    for less in range(6):
        reply = Reply(answer=[wire.record(QType.CSI, 5, bytes(most - less))])
        whole = reply.to_wire(_query(), wire.MAX_STREAM, BLOCK)
        assert len(whole) in {wire.MAX_STREAM - less, wire.MAX_STREAM}
        assert dns.message.from_wire(whole).answer


def test_who_knows_no_edns_is_given_no_option() -> None:
    reply = Reply(answer=[wire.record(QType.CSI, 5, b"x")])
    query = _query(edns=False)
    assert reply.to_wire(query, wire.MAX_STREAM, BLOCK) == reply.to_wire(query, wire.MAX_STREAM)
