"""Collections of key configurations (RFC 9458 section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious.hpke import Aead, KeyPair
from transport.oblivious.key_configs import MAX_CONFIGS, MAX_OCTETS, KeyConfig, KeyConfigError, from_wire, to_wire

RFC_9458 = bytes.fromhex(  # appendix A
    "01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79815500080001000100010003"
)
RFC_9458_SECRET = bytes.fromhex("3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a")
SECOND = b"\2" + RFC_9458[1:]
OURS = KeyConfig(1, RFC_9458[3:35])


def prefixed(*configs: bytes) -> bytes:
    return b"".join(len(one).to_bytes(2) + one for one in configs)


def test_the_example_is_read_and_written() -> None:
    assert KeyPair.of(RFC_9458_SECRET).public == OURS.public
    assert from_wire(prefixed(RFC_9458)) == (OURS,)
    assert from_wire(prefixed(RFC_9458, SECOND)) == (OURS, KeyConfig(2, OURS.public))
    assert to_wire((OURS,)) == prefixed(RFC_9458)


@given(
    st.lists(
        st.builds(
            KeyConfig,
            st.integers(0, 255),
            st.binary(min_size=32, max_size=32),
            st.permutations(list(Aead))
            .flatmap(lambda all_of_them: st.sampled_from([all_of_them, all_of_them[:1]]))
            .map(tuple),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda config: config.key_id,
    )
)
def test_collections_make_the_round_trip(configs: list[KeyConfig]) -> None:
    assert from_wire(to_wire(tuple(configs))) == tuple(configs)


def test_what_we_cannot_use_is_passed_over() -> None:
    other_kem = b"\2\0\x10" + bytes(65) + b"\0\4\0\1\0\1"
    other_kdf = RFC_9458[:35] + b"\0\4\0\2\0\1"
    other_aead = b"\3" + RFC_9458[1:35] + b"\0\4\0\1\0\2"
    assert from_wire(prefixed(other_kem, other_kdf, other_aead, RFC_9458)) == (OURS,)
    mixed = b"\4" + RFC_9458[1:35] + b"\0\x0c\0\1\0\2\0\1\0\3\0\1\0\3"
    assert from_wire(prefixed(mixed)) == (KeyConfig(4, OURS.public, (Aead.CHACHA20_POLY1305,)),)
    with pytest.raises(KeyConfigError, match="can be used"):
        from_wire(prefixed(other_kem, other_kdf, other_aead))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0",
        prefixed(RFC_9458)[:-1],
        prefixed(RFC_9458) + b"\0",
        prefixed(RFC_9458) + b"\0\0",
        prefixed(RFC_9458, RFC_9458),
        prefixed(RFC_9458, b"\1\0"),
        prefixed(RFC_9458, SECOND[:34]),
        prefixed(RFC_9458, SECOND[:35] + b"\0\0"),
        prefixed(RFC_9458, SECOND[:35] + b"\0\6\0\1\0\1\0\1"),
        prefixed(RFC_9458, SECOND + b"\0"),
        prefixed(RFC_9458, SECOND[:35] + b"\0\x44" + bytes(68)),
        prefixed(*(bytes([number]) + RFC_9458[1:] for number in range(MAX_CONFIGS + 1))),
        bytes(MAX_OCTETS + 1),
    ],
)
def test_a_collection_with_a_fault_is_discarded_as_a_whole(octets: bytes) -> None:
    with pytest.raises(KeyConfigError):
        from_wire(octets)


@given(st.binary(max_size=200))
def test_any_octets_are_keys_or_one_error(octets: bytes) -> None:
    for message in (octets, prefixed(octets), prefixed(RFC_9458, octets), prefixed(RFC_9458[:35] + octets)):
        try:
            configs = from_wire(message)
        except KeyConfigError:
            continue
        assert configs
        assert all(len(config.public) == 32 and config.aeads for config in configs)
