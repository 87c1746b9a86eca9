"""Keys that follow one another, in invented time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.oblivious.key_chain import (
    AHEAD,
    KEY_IDS,
    MAX_KEPT,
    MAX_PERIODS,
    PERIOD,
    KeyChain,
    KeyChainError,
    KeyRing,
)

DAY = 20_000  # a period in 2024
NOON = DAY * PERIOD + PERIOD / 2
SEED = bytes(range(32))
CHAIN = KeyChain(DAY, SEED)


def test_a_day_has_one_key_and_the_next_is_published_before_it_begins() -> None:
    today, tomorrow = DAY % KEY_IDS, (DAY + 1) % KEY_IDS
    midnight = (DAY + 1) * PERIOD
    assert [config.key_id for config in CHAIN.keys(NOON).published] == [today]
    assert [config.key_id for config in CHAIN.keys(midnight - AHEAD - 1).published] == [today]
    assert [config.key_id for config in CHAIN.keys(midnight - AHEAD).published] == [today, tomorrow]
    assert [config.key_id for config in CHAIN.keys(midnight).published] == [tomorrow]


def test_a_key_is_accepted_for_a_day_after_its_own() -> None:
    key_id = DAY % KEY_IDS
    for now, accepted in (
        (DAY * PERIOD, True),
        ((DAY + 1) * PERIOD, True),
        ((DAY + 2) * PERIOD - 1, True),
        ((DAY + 2) * PERIOD, False),
    ):
        assert (key_id in CHAIN.keys(now).accepted) is accepted, now


@given(st.integers(0, 40 * PERIOD), st.integers(0, MAX_KEPT), st.integers(0, 40 * PERIOD), st.integers(0, AHEAD))
def test_what_was_published_is_accepted_for_as_long_as_it_may_be_kept(
    asked: int, kept: int, restarted: int, fast: int
) -> None:
    """Also by a gateway that was started from what an earlier one had kept, and whose clock is behind."""
    fetched = DAY * PERIOD + asked
    published = CHAIN.keys(fetched).published
    at_start = min(DAY * PERIOD + restarted, fetched + kept)
    another = KeyChain.from_text(CHAIN.moved(at_start).to_text())
    accepted = another.keys(fetched + kept).accepted
    assert all(accepted[config.key_id].config == config for config in published)
    assert all(config.key_id in CHAIN.keys(fetched - fast).accepted for config in published[:1])


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_chain_that_was_moved_has_the_same_keys_and_none_before(first: int, second: int) -> None:
    moved = CHAIN.moved(NOON + first * PERIOD)
    later = NOON + max(first, second) * PERIOD
    assert moved.keys(later) == CHAIN.keys(later)
    assert moved.period == max(DAY, DAY + first - 1)
    assert moved.moved(NOON) == moved, "nothing goes back"
    if first > 1:
        assert DAY % KEY_IDS not in moved.keys(NOON).accepted


def test_no_seed_is_among_the_later_ones() -> None:
    seeds = {CHAIN.moved(NOON + days * PERIOD).seed for days in range(1, 100)}
    assert len(seeds) == 99
    publics = {CHAIN.keys(NOON + days * PERIOD).published[0].public for days in range(300)}
    assert len(publics) == 300


def test_a_chain_of_the_future_begins_at_once() -> None:
    early = CHAIN.keys(NOON - 30 * PERIOD)
    assert [config.key_id for config in early.published] == [DAY % KEY_IDS]
    assert set(early.accepted) == {DAY % KEY_IDS}


def test_a_clock_that_leaps_by_more_than_a_life_is_said() -> None:
    with pytest.raises(KeyChainError, match="is the clock right"):
        CHAIN.keys(NOON + (MAX_PERIODS + 3) * PERIOD)
    assert CHAIN.keys(NOON + MAX_PERIODS * PERIOD).published


@given(st.integers(0, 99_999), st.binary(min_size=32, max_size=32))
def test_the_text_makes_the_round_trip(period: int, seed: bytes) -> None:
    chain = KeyChain(period, seed)
    assert KeyChain.from_text(chain.to_text()) == chain


@given(st.text(max_size=80))
def test_any_text_is_a_chain_or_one_error(text: str) -> None:
    for whole in (text, f"ohttp-key-chain-1 5 {text}\n", f"ohttp-key-chain-1 {text} {'A' * 43}=\n"):
        try:
            chain = KeyChain.from_text(whole)
        except KeyChainError:
            continue
        assert chain.to_text() == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        CHAIN.to_text()[:-1],
        CHAIN.to_text() + "\n",
        CHAIN.to_text().replace("-1", "-2"),
        CHAIN.to_text().replace(" ", "  "),
        CHAIN.to_text().replace("20000", "020000"),
        CHAIN.to_text().replace("20000", "-1"),
        CHAIN.to_text().replace("20000", "2" * 10),
        KeyChain(DAY, SEED[:31]).to_text(),
        CHAIN.to_text().replace("=", "é"),
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(KeyChainError):
        KeyChain.from_text(text)


def test_nothing_that_is_printed_has_a_secret_in_it() -> None:
    keys = CHAIN.keys(NOON)
    shown = repr([CHAIN, keys, KeyRing(CHAIN)])
    for secret in (SEED, *(key.pair.secret for key in keys.accepted.values())):
        assert secret.hex() not in shown
        assert repr(secret) not in shown


@given(st.lists(st.integers(-PERIOD, 2 * PERIOD), max_size=30))
def test_a_ring_has_the_keys_of_the_time_wherever_it_was_before(steps: list[int]) -> None:
    ring, now, latest = KeyRing(CHAIN), NOON, NOON
    for step in steps:
        now += step
        latest = max(latest, now)
        assert ring.at(now) == CHAIN.moved(latest).keys(now)
        assert ring.chain.period <= CHAIN.moved(latest).period


def test_a_ring_makes_keys_only_when_they_change() -> None:
    ring = KeyRing(CHAIN)
    assert ring.at(NOON) is ring.at(NOON + 100)
    changes = 0
    last = ring.at(NOON)
    for minute in range(3 * 24 * 60):
        if (keys := ring.at(NOON + 60 * minute)) is not last:
            changes, last = changes + 1, keys
    assert changes == 6, "twice a day"
    assert ring.chain.period == DAY + 2


def test_a_chain_leads_to_what_it_becomes_and_to_nothing_else() -> None:
    chain = KeyChain.begun(bytes(32), 100.0 * PERIOD)
    later = chain.moved(110.0 * PERIOD)
    assert chain.leads_to(chain)
    assert chain.leads_to(later)
    assert not later.leads_to(chain)
    assert not chain.leads_to(KeyChain(later.period, bytes(32)))
    assert not chain.leads_to(KeyChain(999_999_999, bytes(32)))
