"""Plain lines: what is read of them is what the full reading gives, and what is not plain is left to that."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import listings, plain_lines
from zonedata.identifiers import parse
from zonedata.plain_lines import reader
from zonedata.source_lines import once_each

MSP = "alpha.example"
SSI = f"mimi://{MSP}/u/7f3a"
READ = reader(MSP)


def in_full(raw: bytes) -> tuple[Any, ...]:
    """Read a line as one that is not plain is read."""
    value = json.loads(raw.decode().strip(), object_pairs_hook=once_each)
    _, owner, ssi, features, recipient = listings._listing(1, value, MSP)
    assert recipient == b""  # every line has another, so none is plain that has one
    return owner, ssi, features


def agrees(raw: bytes) -> bool:
    """Compare with the full reading; say whether the line was plain."""
    plain = READ(raw)
    if plain is not None:
        assert plain == in_full(raw)
    return plain is not None


_numbers = st.sampled_from(["+14155550123", "+390612345678", "+1415555012", "+4402079460000", "+99912345678", "+"])
_users = st.text("abc019/-_.~%{}", max_size=8) | st.sampled_from(["{number}", "a b", 'a"b', "a\\b", "ä", "\n", "?"])
_features = st.lists(st.sampled_from(["e2ee", "mls", "x-1", "E2EE", "", 7, "a" * 33]), max_size=4)
_more = st.dictionaries(st.sampled_from(["features", "csi", "ssi", "block", "name"]), _features, max_size=2)
_separators = st.sampled_from([(", ", ": "), (",", ":"), (" ,", ": ")])
_ends = st.sampled_from(["\n", "\r\n", "", " \n", "}\n", "\xa0\n"])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Lines like those in sources, right and wrong."""
    value = {"csi": draw(_numbers), "ssi": f"mimi://{draw(st.sampled_from([MSP, 'beta.example']))}/{draw(_users)}"}
    text = json.dumps({**value, **draw(_more)}, separators=draw(_separators), ensure_ascii=draw(st.booleans()))
    return (text + draw(_ends)).encode()


@given(lines())
def test_what_is_plain_is_read_as_in_full(raw: bytes) -> None:
    agrees(raw)


@given(lines(), st.integers(0, 200), st.binary(max_size=3), st.integers(0, 3))
def test_a_line_spoilt_anywhere_is_read_as_in_full_or_not_at_all(
    raw: bytes, at: int, put: bytes, away: int
) -> None:
    agrees(raw[:at] + put + raw[at + away :])


@pytest.mark.parametrize(
    "raw",
    [
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "features": ["mls", "e2ee"]}}\n',
        f'{{"csi": "+14155550123", "ssi": "{SSI}"}}',
        f'{{"csi":"+14155550123","ssi":"{SSI}","features":["e2ee"]}}\r\n',
        f'{{"csi": "+390612345678", "ssi": "mimi://{MSP}/a-b_c.~%40", "features": []}}\n',
    ],
)
def test_what_programs_write_is_plain(raw: str) -> None:
    assert agrees(raw.encode())


def test_what_is_read_of_a_plain_line() -> None:
    raw = f'{{"csi": "+14155550123", "ssi": "{SSI}", "features": ["mls", "e2ee", "mls"]}}\n'.encode()
    assert READ(raw) == (parse("+14155550123").owner, SSI, ("e2ee", "mls"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"csi": "+14155550123',
        f'{{"csi": "+14155550123", "ssi": "{SSI}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "mimi://{MSP}/"}}'.encode(),
        f'{{"csi": "+1415555012²", "ssi": "{SSI}"}}'.encode(),
        f'{{"csi": "+1415555012\u0663", "ssi": "{SSI}"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "mimi://{MSP}/\\u0041"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "mimi://{MSP}/\x01"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "mimi://{MSP}/\u00e4"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "csi": "+14155550124"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "ssi": "{SSI}"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "features": "mls"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "name": "Alice"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "block": "+1415"}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}", "features": ["Ü"]}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}"}} {{}}'.encode(),
        f'{{"csi": "+14155550123", "ssi": "{SSI}"}}\xff'.encode("latin-1"),
        f'{{"csi": "+14155550123", "ssi": "{SSI}"}}{" " * 500}'.encode(),  # its rest may not have been read yet
    ],
)
def test_what_is_not_surely_right_is_left_to_the_full_reading(raw: bytes) -> None:
    assert READ(raw) is None


@pytest.mark.parametrize("msp", [".", "", "example", "Alpha.Example", "a b.example", 'a".example', "a.example/b"])
def test_no_line_is_plain_where_the_name_of_the_msp_is_none(msp: str) -> None:
    assert reader(msp)(f'{{"csi": "+14155550123", "ssi": "mimi://{msp}/u"}}'.encode()) is None


def test_what_is_remembered_is_bounded() -> None:
    assert plain_lines._features_at_end.cache_parameters()["maxsize"] == plain_lines._MAX_TAILS
