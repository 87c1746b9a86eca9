"""One worker, in this process: how it ends when nobody sends it a signal, and what it says when it cannot begin."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fingerpost import answering, logfmt, worker
from fingerpost.configuration import read
from fingerpost.listening import opened_sockets
from fingerpost.shared import Shared
from fingerpost.shared_limits import prepared
from fingerpost.supervisor import SIGNALS, Seat
from tests.fingerpost.household import Household


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    logfmt.begin()
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    logfmt.identify("")
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def _orphaned_seat() -> Iterator[tuple[Seat, int]]:
    """A seat whose supervisor is gone, and where it would have heard of readiness."""
    lifeline, gone = os.pipe()
    os.close(gone)
    ear, mouth = os.pipe()
    try:
        yield Seat(0, 0, lifeline, mouth), ear
    finally:
        os.close(lifeline)
        os.close(ear)


def test_a_worker_without_a_supervisor_begins_and_ends(
    house: Household, capsys: pytest.CaptureFixture[str]
) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    configuration = read(Path("alpha.toml"))
    with opened_sockets(configuration, 1) as sockets, _orphaned_seat() as (seat, ear):
        assert (
            worker.work(Shared(configuration, sockets, None, house.key("deny.pem"), prepared(configuration)), seat)
            == 0
        )
        assert os.read(ear, 10) == b"r"
    first, second = capsys.readouterr().err.splitlines()
    assert " event=store-opened serial=" in first
    assert first.endswith(" worker=0")
    assert second.endswith(' event=stopping reason="the supervisor is gone" worker=0')


def test_one_that_nobody_listens_to_goes_on(house: Household) -> None:
    house.msp()
    house.sound("sign", "alpha.toml")
    configuration = read(Path("alpha.toml"))
    lifeline, gone = os.pipe()
    os.close(gone)
    ear, mouth = os.pipe()
    os.close(ear)
    with opened_sockets(configuration, 1) as sockets:
        assert (
            worker.work(
                Shared(configuration, sockets, None, None, prepared(configuration)), Seat(0, 0, lifeline, mouth)
            )
            == 0
        )
    os.close(lifeline)


def test_a_store_that_went_away_is_said(house: Household, capsys: pytest.CaptureFixture[str]) -> None:
    house.msp()
    configuration = read(Path("alpha.toml"))
    with opened_sockets(configuration, 1) as sockets, _orphaned_seat() as (seat, _):
        assert worker.work(Shared(configuration, sockets, None, None, prepared(configuration)), seat) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert " level=error event=worker-failed reason=" in line
    assert "alpha.toml:7: authority.store: alpha.store: there is no store" in line


def test_what_the_machine_refuses_is_said(
    house: Household, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(24, "Too many open files")

    house.msp()
    configuration = read(Path("alpha.toml"))
    monkeypatch.setattr(answering, "ServedStore", refused)
    with opened_sockets(configuration, 1) as sockets, _orphaned_seat() as (seat, _):
        assert worker.work(Shared(configuration, sockets, None, None, prepared(configuration)), seat) == 1
    assert 'reason="[Errno 24] Too many open files" worker=0' in capsys.readouterr().err
