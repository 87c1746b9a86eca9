import pytest

from fingerpost.demo import fiction
from zonedata import identifiers


def test_there_are_hundreds_of_areas() -> None:
    assert len(fiction.areas()) > 300
    assert {"+1212", "+1415", "+1242"} <= set(fiction.areas())


def test_every_range_holds_numbers_that_are_possible() -> None:
    for number in (*fiction.north_american("+1415"), *fiction.thousand("+442079460")):
        assert identifiers.parse(number).text == number
    for stem in (*fiction.UNITED_KINGDOM, *fiction.GERMANY):
        first, *_, last = fiction.thousand(stem)
        assert identifiers.parse(first).text == first
        assert identifiers.parse(last).text == last


@pytest.mark.parametrize(
    "csi",
    [
        "+14155550100",
        "+14155550199",
        "+447700900000",
        "+447700900999",
        "+441632960000",
        "+442079460999",
        "+441164960348",
        "+493023125000",
        "alice@example.com",
        "alice@maths.school.example",
    ],
)
def test_what_is_kept_for_fiction(csi: str) -> None:
    assert fiction.is_fiction(csi)


@pytest.mark.parametrize(
    "csi",
    [
        "+14155550200",
        "+14155540100",
        "+15555550100",
        "+1415555010",
        "+447700901000",
        "+442079461000",
        "+4477009000000",
        "+33123456789",
        "alice@example.se",
        "alice@notexample.com",
    ],
)
def test_what_may_be_somebodys(csi: str) -> None:
    assert not fiction.is_fiction(csi)
