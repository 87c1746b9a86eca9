from transport.releases import HELD, MAX_REMEMBERED, MOST, WINDOW, Releases


def test_no_more_than_so_many_held_answers_go_to_one_address_in_any_window() -> None:
    releases, times = Releases(), []
    now = 0.0
    while now < 10 * WINDOW:
        times += [now for _ in range(50) if releases.may_go("192.0.2.1", 1.0, now)]
        now += WINDOW / 50
    for start in times:
        assert sum(start <= time < start + WINDOW for time in times) <= MOST
    assert len(times) >= 9 * MOST
    assert releases.may_go("192.0.2.2", 1.0, now), "others have a window of their own"


def test_what_was_not_held_is_not_counted() -> None:
    releases = Releases()
    assert all(releases.may_go("192.0.2.1", HELD / 2, 0.0) for _ in range(10 * MOST))
    assert all(releases.may_go("192.0.2.1", HELD, 0.0) for _ in range(MOST))
    assert not releases.may_go("192.0.2.1", HELD, 0.0)
    assert releases.may_go("192.0.2.1", HELD / 2, 0.0)


def test_only_so_many_addresses_are_remembered() -> None:
    releases = Releases()
    for n in range(3 * MAX_REMEMBERED):
        releases.may_go(str(n), 1.0, n * WINDOW / MAX_REMEMBERED / 2)
    assert len(releases._times) <= MAX_REMEMBERED
