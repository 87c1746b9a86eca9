"""Tokens that prove an address."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from transport.endpoint import Endpoint
from transport.quic.retry import LIFETIME, MOST, make_token, original_of

KEY = bytes(range(32))
SOURCE = Endpoint("192.0.2.9", 40_000)
CHOSEN = b"12345678"
IDS = st.binary(min_size=8, max_size=20)


@given(IDS, IDS, st.floats(0, 1e9), st.floats(0, LIFETIME - 1))
def test_a_token_gives_back_the_id_it_was_made_for(
    original: bytes, chosen: bytes, now: float, later: float
) -> None:
    for source in (SOURCE, Endpoint("2001:db8::9", 1), Endpoint("fe80::1%3", 1)):
        token = make_token(KEY, source, original, chosen, now)
        assert len(token) <= MOST
        assert original_of(token, KEY, source, chosen, now + later) == original


def test_a_token_is_for_one_address_one_port_one_connection_and_one_maker() -> None:
    token = make_token(KEY, SOURCE, b"original", CHOSEN, 1_000.0)
    assert original_of(token, KEY, SOURCE, CHOSEN, 1_000.0) == b"original"
    assert original_of(token, KEY, replace(SOURCE, host="192.0.2.8"), CHOSEN, 1_000.0) is None
    assert original_of(token, KEY, replace(SOURCE, port=40_001), CHOSEN, 1_000.0) is None
    assert original_of(token, KEY, SOURCE, b"12345679", 1_000.0) is None
    assert original_of(token, bytes(32), SOURCE, CHOSEN, 1_000.0) is None


def test_a_token_ends() -> None:
    token = make_token(KEY, SOURCE, b"original", CHOSEN, 1_000.9)
    assert original_of(token, KEY, SOURCE, CHOSEN, 1_010.9) == b"original"
    assert original_of(token, KEY, SOURCE, CHOSEN, 1_011.0) is None
    assert original_of(token, KEY, SOURCE, CHOSEN, 999.9) is None


def test_ids_of_other_lengths_make_other_tokens() -> None:
    token = make_token(KEY, SOURCE, b"original9", b"12345678", 1.0)
    assert token[4:20] != make_token(KEY, SOURCE, b"original", b"912345678", 1.0)[4:20]


@given(st.binary(max_size=60))
def test_octets_of_strangers_are_no_token(token: bytes) -> None:
    assert original_of(token, KEY, SOURCE, CHOSEN, 1.0) is None


def test_no_octet_of_a_token_can_be_changed() -> None:
    token = make_token(KEY, SOURCE, b"original", CHOSEN, 1_000.0)
    for at in range(len(token)):
        changed = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
        assert original_of(changed, KEY, SOURCE, CHOSEN, 1_000.0) is None
