"""Counting resets."""

from transport.http2.reset_meter import ResetMeter


def test_so_many_in_a_window_are_let_pass() -> None:
    meter = ResetMeter(3, 10)
    assert not meter.is_too_much(3, now=0)
    assert not meter.is_too_much(3, now=1)
    assert not meter.is_too_much(5, now=10)  # the first three are old by now
    assert not meter.is_too_much(6, now=11)
    assert meter.is_too_much(7, now=19.9)
    assert not meter.is_too_much(8, now=20)


def test_more_at_once_than_are_let_pass_are_too_many() -> None:
    assert ResetMeter(3, 10).is_too_much(4, now=0)
