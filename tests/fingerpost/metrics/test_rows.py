"""Sums over workers that come and go: nothing is lost but what nobody has told, and no sum is ever less."""

import os
import signal
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fingerpost.metrics.families import CONNECTIONS, RECEIVED
from fingerpost.metrics.rows import HALF, Rows

COUNTED, NOW = RECEIVED.key(protocol="udp"), CONNECTIONS.key(protocol="tcp")
WORKERS = 3


class Workers(RuleBasedStateMachine):
    """Workers that count, die and are buried, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows(WORKERS)
        self.lives = WORKERS
        self.life = [*range(WORKERS)]
        self.counted = [0] * WORKERS  # by this life
        self.dead = [False] * WORKERS
        self.told = 0  # by all lives, as far as anybody was told
        self.last = 0.0

    @rule(worker=st.integers(0, WORKERS - 1), more=st.integers(0, 5))
    def counts(self, worker: int, more: int) -> None:
        if not self.dead[worker]:
            self.counted[worker] += more
            self.told += more
            self.rows.write(worker, self.life[worker], {COUNTED: self.counted[worker], NOW: 1})

    @rule(worker=st.integers(0, WORKERS - 1))
    def dies(self, worker: int) -> None:
        self.dead[worker] = True

    @rule(worker=st.integers(0, WORKERS - 1))
    def is_buried(self, worker: int) -> None:
        if self.dead[worker]:
            self.rows.bury(worker)
            self.life[worker], self.lives = self.lives, self.lives + 1
            self.counted[worker], self.dead[worker] = 0, False

    @invariant()
    def sums_hold(self) -> None:
        total = self.rows.total().get(COUNTED, 0)
        assert total == self.told
        assert total >= self.last
        self.last = total


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=50, stateful_step_count=30)


def test_what_is_now_ends_with_its_worker() -> None:
    rows = Rows(2)
    rows.write(0, 0, {NOW: 3})
    rows.write(1, 1, {NOW: 4})
    rows.bury(0)
    assert rows.total() == {NOW: 4}


def test_more_than_fits_is_refused_and_what_was_told_stays() -> None:
    rows = Rows(1)
    rows.write(0, 0, {COUNTED: 1})
    with pytest.raises(ValueError, match="octets of samples"):
        rows.write(0, 0, {COUNTED: 2} | {f"fingerpost_{n}_total": n for n in range(HALF // 10)})
    assert rows.total() == {COUNTED: 1}


def test_a_worker_killed_while_it_writes_leaves_what_it_wrote_before() -> None:
    """Another process writes as fast as it can until it is killed; every look at its row is whole."""
    rows = Rows(1)
    pid = os.fork()
    if not pid:
        number = 0
        while True:
            number += 1
            rows.write(0, 0, {COUNTED: number, RECEIVED.key(protocol="tcp"): number})
    try:
        last, deadline = 0.0, time.monotonic() + 20
        while last < 2_000 and time.monotonic() < deadline:
            found = rows.total()
            if found:
                assert len(set(found.values())) == 1
                assert found[COUNTED] >= last
                last = found[COUNTED]
        assert last >= 2_000
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    left = rows.total()[COUNTED]
    assert left >= last
    rows.bury(0)
    assert rows.total()[COUNTED] == left
