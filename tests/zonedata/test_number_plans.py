"""Numbers that need no parsing: what is surely canonical is what the full parse gives back unchanged."""

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import identifiers
from zonedata.errors import MalformedError
from zonedata.identifiers import node_from_text, parse
from zonedata.number_plans import is_surely_canonical

CODES = sorted(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
PREFIXES = ["0", "00", "1", "8", "80", "06", "15", "0015", "003768", "0120", "1831", "180020", "90", "0549", "1001"]


def _in_full(digits: str) -> str | None:
    """What the full parse makes of it."""
    try:
        return identifiers._number_in_full("+" + digits).text
    except MalformedError:
        return None


def _agrees(digits: str) -> bool:
    """Compare with the full parse; say whether it was surely canonical."""
    sure = is_surely_canonical(digits)
    if sure:
        assert _in_full(digits) == "+" + digits
    return sure


_digits = st.text("0123456789", max_size=17)


@given(
    st.tuples(st.sampled_from(CODES), st.sampled_from(["", *PREFIXES]), _digits).map("".join)
    | st.tuples(st.sampled_from(CODES), st.text("0", max_size=15)).map("".join)
    | _digits
)
def test_what_is_sure_is_what_the_full_parse_gives_back_unchanged(digits: str) -> None:
    _agrees(digits)


_separated = st.text("0123456789 -.", max_size=22)


@given(
    st.tuples(st.sampled_from(CODES), st.sampled_from(["", *PREFIXES]), _separated).map("".join)
    | st.text("0123456789 -.(x", max_size=40)
)
def test_separators_mean_what_they_mean_to_the_full_parse(rest: str) -> None:
    try:
        said: str | None = parse("+" + rest).text
    except MalformedError:
        said = None
    assert said == _in_full(rest)


def test_every_calling_code_at_every_length() -> None:
    rng = random.Random(20)
    for code in [*CODES, *(str(n) for n in range(1_000))]:
        for length in range(17):
            _agrees(code + "".join(rng.choices("0123456789", k=length)))


def test_nearly_all_real_numbers_are_sure() -> None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code
    examples = []
    for code, (region, *_) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        plan = metadata(code, region)
        assert plan is not None
        found = [desc.example_number for desc in (plan.mobile, plan.fixed_line) if desc is not None]
        examples += [f"{code}{number}" for number in found if number]
    assert len(examples) > 400
    assert sum(map(_agrees, examples)) / len(examples) > 0.97


@pytest.mark.parametrize(
    "digits",
    [
        "14155550123",
        "390612345678",  # an Italian zero that is no national prefix
        "80012345678",  # of no country
        "5491123456789",  # a plan whose prefix matches the empty text too
        "493012",
        "4420794600",  # possible, though not valid
    ],
)
def test_sure(digits: str) -> None:
    assert _agrees(digits)
    assert parse("+" + digits) == identifiers._number_in_full("+" + digits)
    assert parse("+" + digits).owner == node_from_text("+" + digits)


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "1",
        "0",
        "999123456",  # no such calling code
        "1415555012",  # nine digits after +1
        "12025550123456",
        "4402079460000",  # a national prefix, which the full parse takes off
        "11234567890",  # what may be one, taken off or not
        "378886377",  # rewritten to 3780549886377
        "54111555501234",  # rewritten to 54911...
        "4912345678901234",  # possible on paper; E.164 has 15 digits
    ],
)
def test_not_sure(digits: str) -> None:
    assert not _agrees(digits)


@pytest.mark.parametrize("typed", ["+١٤١٥٥٥٥٠١٢٣", "+1415555012³", "+1415 5550123", "+", "+-14155550123"])
def test_only_ascii_digits_are_taken_as_they_stand(typed: str) -> None:
    try:
        expected = identifiers._number_in_full(typed)
    except MalformedError as error:
        with pytest.raises(MalformedError) as caught:
            parse(typed)
        assert str(caught.value) == str(error)  # noqa: PT017 - both must fail in the same words
    else:
        assert parse(typed) == expected
