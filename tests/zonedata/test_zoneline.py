"""Words of a line, one by one; how whole lines are read is shown with the zone source."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import zoneline
from zonedata.kinds import Assurance, Role, Use
from zonedata.zoneline import LineError


def test_a_line_has_as_many_words_as_its_form() -> None:
    assert zoneline.expect(["a", "b"], 1, 2, "x A [B]") == ["a", "b"]
    assert zoneline.expect(["a"], 1, 1, "x A") == ["a"]
    for words in ([], ["a", "b", "c"]):
        with pytest.raises(LineError, match=r"^expected: x A \[B\]$") as caught:
            zoneline.expect(words, 1, 2, "x A [B]")
        assert caught.value.field == ""


@given(st.integers(-5, 200), st.integers(0, 20))
def test_whole_numbers_from_one(number: int, zeros: int) -> None:
    text = "0" * zeros + str(number)
    if 1 <= number <= 100 and len(text) <= zoneline.MAX_DIGITS:
        assert zoneline.number(text, "n", 100) == number
    else:
        with pytest.raises(LineError):
            zoneline.number(text, "n", 100)


@given(st.text("0123456789+-_ .e٣", max_size=4))
def test_no_other_spelling_is_a_number(text: str) -> None:
    if not (text.isascii() and text.isdigit()):
        with pytest.raises(LineError, match="expected a whole number from 1 to 9999") as caught:
            zoneline.number(text, "ttl", 9_999)
        assert caught.value.field == "ttl"


@given(st.dictionaries(st.sampled_from("abc"), st.text(max_size=5)))
def test_options_stand_once_each_in_any_order(wanted: dict[str, str]) -> None:
    words = [f"{name}={value}" for name, value in wanted.items()]
    assert zoneline.options(words[::-1], {"a", "b", "c"}) == wanted
    for wrong in ("d=1", "a", "", "=1", *words[:1]):
        with pytest.raises(LineError, match="expected one of a=, b=, c=, each once") as caught:
            zoneline.options([*words, wrong], {"a", "b", "c"})
        assert caught.value.field == wrong


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001 - as in a file
def test_dates_are_utc_whether_they_say_so_or_not(moment: datetime) -> None:
    seconds = int((moment.replace(microsecond=0) - datetime(1970, 1, 1)) / timedelta(seconds=1))  # noqa: DTZ001
    assert zoneline.date(moment.isoformat(), "from") == seconds
    assert zoneline.date(moment.isoformat() + "+00:00", "from") == seconds
    assert zoneline.date(moment.isoformat() + "Z", "from") == seconds
    assert zoneline.date(moment.date().isoformat(), "from") == seconds - seconds % 86_400
    for zone in ("+02:00", "-00:30"):
        with pytest.raises(LineError, match="in UTC"):
            zoneline.date(moment.isoformat() + zone, "from")


@pytest.mark.parametrize(
    "text", ["", "now", "2026", "2026-13-01", "0001-01-01", "1969-12-31T23:59:59", "1" * 4_000]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(LineError) as caught:
        zoneline.date(text, "until")
    assert caught.value.field == "until"
    assert len(str(caught.value)) < 120


def test_a_date_is_the_same_everywhere() -> None:
    assert zoneline.date("2026-01-31", "from") == datetime(2026, 1, 31, tzinfo=UTC).timestamp() == 1_769_817_600


def test_uses_are_a_set_without_root() -> None:
    assert zoneline.uses("zone,assert,zone") == (Use.ASSERT, Use.ZONE)
    assert zoneline.uses("deny,deny") == (Use.DENY,)
    for text in ("root", "zone,root", "", "zone,,assert", "assert,deny", "zone,deny"):
        with pytest.raises(LineError) as caught:
            zoneline.uses(text)
        assert caught.value.field == "uses"


def test_the_root_zone_is_a_host_and_no_authority() -> None:
    assert zoneline.authority("a.example") == "a.example"
    with pytest.raises(LineError, match=r"'\.' is the root zone; it is granted nothing") as caught:
        zoneline.authority(".")
    assert caught.value.field == "."


@given(st.binary(max_size=40))
def test_a_pin_is_32_octets(octets: bytes) -> None:
    if len(octets) == 32:
        assert zoneline.pin(octets.hex()) == octets
    else:
        with pytest.raises(LineError, match=f"{len(octets)} octets, expected 32"):
            zoneline.pin(octets.hex())
    with pytest.raises(LineError, match="expected hexadecimal digits"):
        zoneline.pin(octets.hex() + "g")


def test_words_of_a_fixed_set() -> None:
    assert zoneline.word(Role, "csip", "role") is Role.CSIP
    with pytest.raises(LineError, match="'king', expected one of asserted, validated, authorized") as caught:
        zoneline.word(Assurance, "king", "required")
    assert caught.value.field == "required"


def test_names_that_are_none_are_named_in_part() -> None:
    assert zoneline.host(".") == "."
    assert zoneline.host("a.example") == "a.example"
    assert zoneline.node_name("+14") == b"e164\x001\x004\x00"
    for read in (zoneline.host, zoneline.authority, zoneline.node_name):
        with pytest.raises(LineError) as caught:
            read("X" * 5_000)
        assert caught.value.field == "X" * 60
        assert len(str(caught.value)) < 200
