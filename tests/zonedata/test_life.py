import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata.errors import MalformedError
from zonedata.fields import Fields
from zonedata.kinds import DAY, MAX_TTL, YEAR
from zonedata.life import MAX_AHEAD, MAX_TIME, Life

times = st.integers(0, MAX_TIME)


@given(st.integers(0, MAX_TTL), st.integers(0, 2**53), st.lists(times, min_size=2, max_size=2, unique=True))
def test_fields_round_trip(ttl: int, serial: int, instants: list[int]) -> None:
    life = Life(ttl, serial, min(instants), max(instants))
    fields = Fields(life.to_fields())
    assert Life.from_fields(fields) == life
    fields.done()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ttl", MAX_TTL + 1),
        ("serial", 2**53 + 1),
        ("issued", MAX_TIME + 1),
        ("expires", MAX_TIME + 1),
        ("expires", 1_000),
        ("expires", 999),
        ("ttl", None),
    ],
)
def test_what_no_life_can_be(field: str, value: int | None) -> None:
    good = {"ttl": 60, "serial": 1, "issued": 1_000, "expires": 2_000}
    assert Life.from_fields(Fields(good))
    with pytest.raises(MalformedError):
        Life.from_fields(Fields(good | {field: value}))


@pytest.mark.parametrize(
    ("lifetime", "skew"), [(300, 60), (600, 60), (3_000, 300), (36_000, 3_600), (DAY, 3_600), (YEAR, 3_600)]
)
def test_skew_is_a_tenth_between_a_minute_and_an_hour(lifetime: int, skew: int) -> None:
    assert Life(60, 1, 1_000_000, 1_000_000 + lifetime).skew == skew


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (1_000_000 - 301, "future"),
        (1_000_000 - 300, None),
        (1_000_000, None),
        (1_002_999.9, None),
        (1_003_000, "expired"),
        (1_003_001, "expired"),
    ],
)
def test_when_a_statement_counts(now: float, reason: str | None) -> None:
    refusal = Life(60, 1, 1_000_000, 1_003_000).refusal_at(now, DAY)
    assert (reason is None) == (refusal is None)
    assert (reason or "") in (refusal or "")


def test_a_life_may_be_as_long_as_its_kind_allows_and_no_longer() -> None:
    assert Life(60, 1, 1_000, 1_000 + DAY).refusal_at(2_000, DAY) is None
    assert "lifetime" in (Life(60, 1, 1_000, 1_001 + DAY).refusal_at(2_000, DAY) or "")


@given(times, st.integers(1, 2 * DAY), times)
def test_skew_never_stretches_the_expiry(issued: int, lifetime: int, now: int) -> None:
    life = Life(0, 1, issued, issued + lifetime)
    if life.refusal_at(now, DAY) is None:
        assert issued - 3_600 <= now < life.expires
        assert lifetime <= DAY


@pytest.mark.parametrize("serials", [1, 1_000])
def test_a_serial_is_a_time_of_signing_and_leaps_a_day_at_most(serials: int) -> None:
    most = (1_000 + MAX_AHEAD) * serials
    assert Life(60, most, 1_000, 2_000).refusal_at(1_500, 1_000, serials) is None
    why = Life(60, most + 1, 1_000, 2_000).refusal_at(1_500, 1_000, serials)
    assert why == f"serial {most + 1} is too far above the time of issue"
