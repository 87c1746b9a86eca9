import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious import dates


def test_the_example_of_rfc_9110_is_read_and_written() -> None:
    assert dates.from_text(b"Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777
    assert dates.to_text(784_111_777.9) == b"Sun, 06 Nov 1994 08:49:37 GMT"


@given(st.integers(0, 253_402_300_799))
def test_dates_make_the_round_trip(seconds: int) -> None:
    assert dates.from_text(dates.to_text(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"Mon, 06 Nov 1994 08:49:37 GMT",
        b"Sun, 06 nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, +6 Nov 1994 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 0000 08:49:37 GMT",
        b"Mon, 01 Jan 0001 00:00:00 GMX",
        "Sun, 06 Nov 1994 08:49:3é GMT".encode("latin-1"),
        None,
    ],
)
def test_what_is_no_date_in_its_one_spelling_is_none(text: bytes | None) -> None:
    assert dates.from_text(text) is None


@given(st.binary(min_size=29, max_size=29))
def test_any_octets_are_none_or_a_date(octets: bytes) -> None:
    assert dates.from_text(octets) is None


@given(st.text("0123456789: JanGMTSu,6v9", min_size=29, max_size=29), st.floats(0, 10**10))
def test_whoever_asks_in_a_minute_says_the_same(text: str, now: float) -> None:
    dates.from_text(text.encode())
    minute = now // 60 * 60
    assert dates.coarse(now) == dates.coarse(minute) == dates.coarse(minute + 59.9)
    assert abs(dates.coarse(now) - now) <= 30
