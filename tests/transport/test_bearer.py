"""Tokens that name a client: how they look, and in which header fields one is found."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.bearer import (
    MAX_TOKEN,
    TOKEN_OCTETS,
    authorization,
    digest_in,
    digest_of,
    is_token,
    token_from,
)


@given(st.binary(min_size=TOKEN_OCTETS, max_size=TOKEN_OCTETS))
def test_a_token_of_ours_is_found_by_its_digest(octets: bytes) -> None:
    token = token_from(octets)
    assert len(token) == 43
    assert is_token(token)
    assert digest_of(token) == sha256(token.encode()).digest()
    assert digest_in(authorization(token)) == digest_of(token)


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER   "])
def test_the_example_of_the_rfc_in_any_case(scheme: bytes) -> None:
    assert digest_in(scheme + b"mF_9.B5f-4.1JqM") == sha256(b"mF_9.B5f-4.1JqM").digest()


@pytest.mark.parametrize(
    "field",
    [b"Bearer", b"Bearer ", b"Bearer a b", b"Bearer a,b", b"Bearer \xff", b"Bearer " + b"x" * (MAX_TOKEN + 1)],
)
def test_what_can_be_no_token_is_nobodys(field: bytes) -> None:
    assert digest_in(field) == b""


@pytest.mark.parametrize("field", [b"", b"Basic YTpi", b'PrivateToken token="Bearer x"', b"Bearerx y", b" Bearer"])
def test_other_schemes_are_left_to_others(field: bytes) -> None:
    assert digest_in(field) is None


@given(st.binary(max_size=300))
def test_no_field_breaks_anything(field: bytes) -> None:
    digest = digest_in(field)
    assert digest is None or len(digest) in {0, 32}
