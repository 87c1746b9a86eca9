"""The issuer's directory: JSON there and back, what is refused, which key is asked."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.tokens.mint import MIDNIGHT, NOON, signing_key
from transport.tokens import listed_keys
from transport.tokens.directory import MAX_DIRECTORY, MAX_KEYS, Directory, in_order
from transport.tokens.keys import DAY
from transport.tokens.listed_keys import LOOK_EVERY, ListedKeys
from transport.tokens.tokens import TokenError, to_base64url

KEYS = tuple(signing_key(number).listed for number in range(3))
DIRECTORY = Directory("/token-request", KEYS)
TEXT = to_base64url(KEYS[0].spki)


def of_json(given_json: Any) -> Directory:
    return Directory.from_json(json.dumps(given_json).encode())


def test_it_comes_back() -> None:
    assert Directory.from_json(DIRECTORY.to_json()) == DIRECTORY
    told = json.loads(DIRECTORY.to_json())
    assert told["token-keys"][0] == {
        "token-type": 2,
        "token-key": TEXT,
        "not-before": MIDNIGHT,
        "not-after": MIDNIGHT + 2 * DAY,
    }


def test_what_others_write_is_read() -> None:
    found = of_json(
        {
            "issuer-request-uri": "https://issuer.example/request",
            "more": [],
            "token-keys": [{"token-type": 1, "token-key": "x"}, {"token-type": 2, "token-key": TEXT, "more": 1}],
        }
    )
    assert found.request_uri == "https://issuer.example/request"
    (key,) = found.keys
    assert key.spki == KEYS[0].spki
    assert key.is_redeemed(NOON), "who says nothing of times means always"


KEY = {"token-type": 2, "token-key": TEXT}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"issuer-request-uri": "/", "token-keys": {}},
        {"issuer-request-uri": 1, "token-keys": []},
        {"issuer-request-uri": "", "token-keys": []},
        {"issuer-request-uri": "/\u00e4", "token-keys": []},
        {"issuer-request-uri": "/\n", "token-keys": []},
        {"issuer-request-uri": "/" * 1_025, "token-keys": []},
        {"issuer-request-uri": "/", "token-keys": [7]},
        {"issuer-request-uri": "/", "token-keys": [{"token-type": 2}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "token-key": TEXT[:-4]}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "token-key": 5}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "not-before": "x"}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "not-before": True}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "not-before": -1}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "not-before": 1e9}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "not-before": 10**4_000}]},
        {"issuer-request-uri": "/", "token-keys": [{**KEY, "not-before": 9, "not-after": 9}]},
        {"issuer-request-uri": "/", "token-keys": [KEY, KEY]},
        {"issuer-request-uri": "/", "token-keys": [{"token-type": 1}] * (MAX_KEYS + 1)},
    ],
)
def test_what_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(TokenError):
        of_json(wrong)


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_no_octets_do_harm(octets: bytes) -> None:
    with pytest.raises(TokenError):
        Directory.from_json(octets)


@pytest.mark.parametrize("octets", [b"[" * 60_000, b'{"a":' * 10_000, b"9" * 50_000, b" " * (MAX_DIRECTORY + 1)])
def test_bombs_do_no_harm(octets: bytes) -> None:
    with pytest.raises(TokenError):
        Directory.from_json(octets)


def test_there_is_room_for_as_many_keys_as_are_made() -> None:
    assert len(Directory("/token-request", KEYS[:1] * MAX_KEYS).to_json()) < MAX_DIRECTORY


def test_one_key_issues_at_a_time() -> None:
    assert DIRECTORY.issuing(NOON) == KEYS[0]
    assert DIRECTORY.issuing(NOON + DAY) == KEYS[1]
    assert DIRECTORY.issuing(NOON - DAY) is None
    with pytest.raises(TokenError, match="2 keys issue"):
        Directory("/", (KEYS[0], signing_key(3, MIDNIGHT).listed)).issuing(NOON)


def test_an_issuer_cannot_have_tokens_of_many_keys_taken_at_one_time() -> None:
    """With a key for each client, the counts of what was spent would be the clients'."""
    beside = signing_key(3, MIDNIGHT + 2 * DAY).listed
    assert len(Directory.from_json(Directory("/", (*KEYS[:2], beside)).to_json()).keys) == 3
    for others in ((KEYS[2], beside), (signing_key(3, MIDNIGHT + DAY).listed,)):
        with pytest.raises(TokenError, match="3 keys that count at one time"):
            Directory.from_json(Directory("/", (*KEYS[:2], *others)).to_json())
    always = [{**KEY, "token-key": to_base64url(key.spki)} for key in KEYS]
    assert len(of_json({"issuer-request-uri": "/", "token-keys": always[:2]}).keys) == 2
    with pytest.raises(TokenError, match="at one time"):
        of_json({"issuer-request-uri": "/", "token-keys": always})


def test_keys_are_listed_by_preference() -> None:
    assert in_order(KEYS, NOON) == KEYS
    assert in_order(KEYS, NOON + DAY) == (KEYS[1], KEYS[2], KEYS[0])
    assert in_order(KEYS, NOON + 2 * DAY) == (KEYS[2], KEYS[1])
    assert in_order(KEYS, NOON + 9 * DAY) == ()


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "directory.json"
    with pytest.raises(TokenError, match="cannot be read"):
        ListedKeys(path)
    path.write_bytes(Directory("/", KEYS[:1]).to_json())
    listed = ListedKeys(path)
    assert listed(NOON) == KEYS[:1]
    beside = tmp_path / "new"
    beside.write_bytes(DIRECTORY.to_json())
    os.replace(beside, path)  # noqa: PTH105 - as a fetch does it
    assert listed(NOON + LOOK_EVERY - 1) == KEYS[:1], "it looks now and then"
    assert listed(NOON + LOOK_EVERY) == KEYS
    path.write_bytes(b"spoilt")
    with caplog.at_level(logging.WARNING):
        assert listed(NOON + 2 * LOOK_EVERY) == KEYS
        assert listed(NOON + 3 * LOOK_EVERY) == KEYS
    assert [record.message.split()[0] for record in caplog.records] == ["event=token-keys-not-read"]
    path.unlink()
    assert listed(NOON + 4 * LOOK_EVERY) == KEYS
    path.write_bytes(Directory("/", KEYS[1:]).to_json())
    assert listed(NOON) == KEYS[1:], "a clock that goes back does not keep it from looking"
    assert listed_keys.read(path).keys == KEYS[1:]
