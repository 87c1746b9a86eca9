import subprocess
import sys
import time
import tracemalloc
from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zonedata.bombs import bombs
from zonedata import codec
from zonedata.codec import Caps, pack, unpack
from zonedata.errors import MalformedError
from zonedata.kinds import LARGE, RULES, SMALL
from zonedata.statements import STATUS_CAPS

scalar = st.booleans() | st.integers(0, 2**53) | st.text(max_size=20) | st.binary(max_size=40)
value = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
body = st.dictionaries(st.text(max_size=8), value, max_size=6)
ALL_CAPS = sorted({*(rules.caps for rules in RULES.values()), STATUS_CAPS}, key=lambda caps: caps.octets)


def depth_of(one: Any) -> int:
    inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return 1 + max((depth_of(element) for element in inner), default=0)


@given(body)
def test_round_trip_or_refused_for_its_depth(one: dict[str, Any]) -> None:
    if depth_of(one) > codec.MAX_DEPTH:
        with pytest.raises(MalformedError, match="deeper"):
            unpack(pack(one), LARGE)
    else:
        assert unpack(pack(one), LARGE) == one


@given(st.binary(max_size=60) | body.map(msgpack.packb))
def test_bytes_are_canonical_or_refused(data: bytes) -> None:
    for caps in (SMALL, LARGE):
        try:
            one = unpack(data, caps)
        except MalformedError:
            continue
        assert pack(one) == data


@given(body, st.data())
def test_one_changed_octet_is_another_meaning_or_refused(one: dict[str, Any], data: st.DataObject) -> None:
    good = pack(one)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    try:
        other = unpack(bad, SMALL)
    except MalformedError:
        return
    assert pack(other) == bad


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("empty", b""),
        ("no map", b"\x90"),
        ("no map but a number", b"\x01"),
        ("keys not in order", b"\x82\xa1b\x01\xa1a\x01"),
        ("one key twice", b"\x82\xa1a\x01\xa1a\x01"),
        ("number longer than needed", b"\x81\xa1a\xcc\x01"),
        ("text longer than needed", b"\x81\xd9\x01a\x01"),
        ("octets longer than needed", b"\x81\xa1a\xc5\x00\x01x"),
        ("list longer than needed", b"\x81\xa1a\xdc\x00\x01\x01"),
        ("map longer than needed", b"\xde\x00\x01\xa1a\x01"),
        ("something after the end", b"\x80\x80"),
        ("cut short", b"\x81\xa1a"),
        ("key of octets", b"\x81\xc4\x01a\x01"),
        ("key a number", b"\x81\x01\x01"),
        ("key a list", b"\x81\x91\x01\x01"),
        ("not UTF-8", b"\x81\xa1a\xa1\xff"),
        ("nil", b"\x81\xa1a\xc0"),
        ("negative", b"\x81\xa1a\xff"),
        ("above 2^53", b"\x81\xa1a\xcf\x00\x20\x00\x00\x00\x00\x00\x01"),
        ("64-bit float", b"\x81\xa1a\xcb" + bytes(8)),
        ("32-bit float", b"\x81\xa1a\xca" + bytes(4)),
        ("octet never used", b"\x81\xa1a\xc1"),
        ("extension", b"\x81\xa1a\xd4\x05\x01"),
        ("extension of no octets", b"\x81\xa1a\xc7\x00\x05"),
        ("timestamp", b"\x81\xa1a\xd6\xff\x00\x00\x00\x00"),
        ("text too long", pack({"a": "x" * 1_025})),
        ("octets too many", pack({"a": b"x" * 1_025})),
        ("too many keys", pack({f"{n:03}": 1 for n in range(65)})),
    ],
)
def test_other_spellings_and_values_are_refused(what: str, data: bytes) -> None:
    for caps in (SMALL, LARGE):
        with pytest.raises(MalformedError):
            unpack(data, caps)
    assert what


@pytest.mark.parametrize("caps", ALL_CAPS)
def test_caps_hold_to_the_octet_and_the_element(caps: Caps) -> None:
    assert unpack(pack({"a": [1] * caps.elements}), caps)
    with pytest.raises(MalformedError):
        unpack(pack({"a": [1] * (caps.elements + 1)}), caps)
    chunks = [b"x" * 100] * 60
    while len(pack({"a": chunks, "b": b""})) > caps.octets - 100:
        chunks.pop()
    fits = {"a": chunks, "b": b""}
    fits["b"] = b"x" * min(caps.octets - len(pack(fits)), 255)
    exact = Caps(len(pack(fits)), caps.elements)
    assert unpack(pack(fits), exact) == fits
    with pytest.raises(MalformedError, match="octets"):
        unpack(pack(fits) + b"\0", exact)


@pytest.mark.parametrize("caps", [SMALL, LARGE])
@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: [1, inner]])
def test_nesting_is_bounded(caps: Caps, wrap: Any) -> None:
    one: Any = 1
    for _ in range(codec.MAX_DEPTH - 2):
        one = wrap(one)
    assert unpack(pack({"a": one}), caps) == {"a": one}
    for _ in range(2):
        one = wrap(one)
        with pytest.raises(MalformedError, match="deeper"):
            unpack(pack({"a": one}), caps)


def test_long_lists_hold_a_bounded_number_of_values() -> None:
    # The map, its key, the list, and eight values for each list within it.
    assert 3 + 8 * 511 <= codec.MAX_VALUES < 3 + 8 * 512
    assert unpack(pack({"a": [[1] * 7] * 511}), LARGE)
    with pytest.raises(MalformedError, match="values"):
        unpack(pack({"a": [[1] * 7] * 512}), LARGE)


@pytest.mark.parametrize("caps", ALL_CAPS, ids=str)
def test_bombs_are_refused_at_once(caps: Caps) -> None:
    for what, bomb in bombs(caps).items():
        # Far above what is measured (at most a few milliseconds), far below what a bomb costs.
        assert min(seconds_to_refuse(bomb, caps) for _ in range(2)) < 0.05, what


def seconds_to_refuse(data: bytes, caps: Caps) -> float:
    begun = time.process_time()
    with pytest.raises(MalformedError):
        unpack(data, caps)
    return time.process_time() - begun


@pytest.mark.parametrize("caps", ALL_CAPS, ids=str)
def test_bombs_make_no_objects(caps: Caps) -> None:
    for what, bomb in bombs(caps).items():
        tracemalloc.start()
        with pytest.raises(MalformedError):
            unpack(bomb, caps)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000, what


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_bombs_do_not_make_the_process_grow() -> None:
    # What the decoder allocates by itself, tracemalloc does not see.
    program = [sys.executable, "-m", "tests.zonedata.bombs"]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 1_000_000
