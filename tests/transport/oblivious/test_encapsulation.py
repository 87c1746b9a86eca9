"""Sealing requests and responses against the example of RFC 9458 appendix A."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious.binary_http import BinaryRequest, BinaryResponse, decode_request, decode_response
from transport.oblivious.encapsulation import (
    OVERHEAD,
    EncapsulationError,
    UnknownKeyError,
    open_request,
    seal_request,
)
from transport.oblivious.hpke import Aead, KeyPair
from transport.oblivious.key_chain import SecretKey
from transport.oblivious.key_configs import KeyConfig

SECRET = bytes.fromhex("3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a")
PAIR = KeyPair.of(SECRET)
CONFIG = KeyConfig(1, PAIR.public)
KEYS = {1: SecretKey(CONFIG, PAIR)}
EPHEMERAL = KeyPair.of(bytes.fromhex("bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73"))
REQUEST = bytes.fromhex("00034745540568747470730b6578616d706c652e636f6d012f")
SEALED_REQUEST = bytes.fromhex(
    "010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad1"
    "9dec96c208b4726374e469135906992e1268c594d2a10c695d858c40a026e796"
    "5e7d86b83dd440b2c0185204b4d63525"
)
NONCE = bytes.fromhex("c789e7151fcba46158ca84b04464910d")
RESPONSE = bytes.fromhex("0140c8")
SEALED_RESPONSE = bytes.fromhex("c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd")


def test_the_example_is_sealed_and_opened() -> None:
    sealed = seal_request(CONFIG, Aead.AES_128_GCM, REQUEST, EPHEMERAL)
    assert sealed.octets == SEALED_REQUEST
    opened = open_request(SEALED_REQUEST, KEYS)
    assert opened.request == REQUEST
    assert decode_request(opened.request) == BinaryRequest(b"GET", b"https", b"example.com", b"/")
    assert opened.nonce_octets == len(NONCE)
    assert opened.seal_response(RESPONSE, NONCE) == SEALED_RESPONSE
    assert sealed.open_response(SEALED_RESPONSE) == RESPONSE
    assert decode_response(RESPONSE) == BinaryResponse(200)


@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from(Aead), st.integers(0, 255))
def test_what_is_sealed_is_opened_by_the_other_side(
    request: bytes, response: bytes, aead: Aead, key_id: int
) -> None:
    pair = KeyPair.generate()
    config = KeyConfig(key_id, pair.public)
    sealed = seal_request(config, aead, request, KeyPair.generate())
    assert len(sealed.octets) == len(request) + OVERHEAD
    opened = open_request(sealed.octets, {key_id: SecretKey(config, pair)})
    assert opened.request == request
    assert sealed.octets[7:39] == opened.encapsulated
    answered = opened.seal_response(response, bytes(opened.nonce_octets))
    assert sealed.open_response(answered) == response


@pytest.mark.parametrize("at", range(len(SEALED_REQUEST)))
def test_a_changed_request_does_not_open(at: int) -> None:
    changed = bytearray(SEALED_REQUEST)
    changed[at] ^= 1
    with pytest.raises(UnknownKeyError):
        open_request(bytes(changed), KEYS)


@pytest.mark.parametrize("at", range(len(SEALED_RESPONSE)))
def test_a_changed_response_does_not_open(at: int) -> None:
    changed = bytearray(SEALED_RESPONSE)
    changed[at] ^= 1
    with pytest.raises(EncapsulationError, match="does not open"):
        seal_request(CONFIG, Aead.AES_128_GCM, REQUEST, EPHEMERAL).open_response(bytes(changed))


def test_a_response_to_another_request_does_not_open() -> None:
    one, other = (seal_request(CONFIG, Aead.AES_128_GCM, REQUEST, KeyPair.generate()) for _ in range(2))
    assert one.octets != other.octets
    answer = open_request(one.octets, KEYS).seal_response(RESPONSE, NONCE)
    assert one.open_response(answer) == RESPONSE
    with pytest.raises(EncapsulationError, match="does not open"):
        other.open_response(answer)


def test_one_request_has_other_responses_each_time() -> None:
    opened = open_request(SEALED_REQUEST, KEYS)
    assert opened.seal_response(RESPONSE, NONCE)[16:] != opened.seal_response(RESPONSE, bytes(16))[16:]


def test_a_gateway_may_be_unwilling_to_use_an_algorithm() -> None:
    config = KeyConfig(1, CONFIG.public, (Aead.CHACHA20_POLY1305,))
    with pytest.raises(UnknownKeyError, match="these algorithms"):
        open_request(SEALED_REQUEST, {1: SecretKey(config, PAIR)})


def test_a_key_that_shares_no_secret_is_no_gateways() -> None:
    with pytest.raises(EncapsulationError, match="cannot be used"):
        seal_request(KeyConfig(1, bytes(32)), Aead.AES_128_GCM, REQUEST, EPHEMERAL)
    with pytest.raises(UnknownKeyError):
        open_request(SEALED_REQUEST[:7] + bytes(32) + SEALED_REQUEST[39:], KEYS)


@given(st.binary(max_size=120))
def test_any_octets_raise_one_error(octets: bytes) -> None:
    sealed = seal_request(CONFIG, Aead.CHACHA20_POLY1305, REQUEST, EPHEMERAL)
    for message in (octets, SEALED_REQUEST[:7] + octets, SEALED_REQUEST[:39] + octets):
        with pytest.raises(EncapsulationError):
            open_request(message, KEYS)
        with pytest.raises(EncapsulationError):
            sealed.open_response(message)


def test_nothing_that_is_printed_has_a_secret_in_it() -> None:
    sealed, opened = seal_request(CONFIG, Aead.AES_128_GCM, REQUEST, EPHEMERAL), open_request(SEALED_REQUEST, KEYS)
    secret = bytes.fromhex("62d87a6ba569ee81014c2641f52bea36")
    assert sealed._exchange.secret == opened._exchange.secret == secret
    for shown in (repr(sealed), repr(opened)):
        assert repr(secret)[2:-1] not in shown
