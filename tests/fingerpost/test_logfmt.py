import logging
import sys

import pytest

from fingerpost import logfmt
from fingerpost.logfmt import Logfmt, quoted


def _record(message: str, *args: object) -> logging.LogRecord:
    record = logging.LogRecord("some.room", logging.WARNING, "f.py", 1, message, args, None)
    record.created = 1_750_000_000.25
    return record


def test_a_message_of_ours_stands_after_time_and_level() -> None:
    line = Logfmt().format(_record("event=ready udp=%s", "127.0.0.1#1"))
    assert line == "time=2025-06-15T15:06:40.250Z level=warning event=ready udp=127.0.0.1#1"


def test_who_said_it_ends_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    logfmt.begin()
    logfmt.identify("worker=3")
    try:
        logging.getLogger("here").info("event=ours a=b")
        logging.getLogger("here").info("theirs")
    finally:
        logfmt.identify("")
    logging.getLogger("here").info("event=again")
    ours, theirs, again = capsys.readouterr().err.splitlines()
    assert ours.endswith(" event=ours a=b worker=3")
    assert theirs.endswith(" event=log logger=here message=theirs worker=3")
    assert again.endswith(" event=again")


def test_a_message_of_others_is_quoted() -> None:
    line = Logfmt().format(_record('said "so"'))
    assert line.endswith(' event=log logger=some.room message="said \\"so\\""')


def test_an_event_is_one_line_whatever_is_in_it() -> None:
    record = _record("event=odd name=%s", "a\nb\rc")
    try:
        raise ValueError("x\ny")
    except ValueError:
        record.exc_info = sys.exc_info()
    line = Logfmt().format(record)
    assert line.isprintable()
    assert "name=a\\nb\\rc trace=" in line


@pytest.mark.parametrize(
    ("value", "expected"),
    [("plain", "plain"), (5, "5"), ("", '""'), ("two words", '"two words"'), ("a=b", '"a=b"'), ('"', '"\\""')],
)
def test_values_are_quoted_where_they_must(value: object, expected: str) -> None:
    assert quoted(value) == expected


def test_beginning_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    logfmt.begin()
    logfmt.begin()
    logging.getLogger("here").info("event=once")
    assert capsys.readouterr().err.count("event=once") == 1


def test_nobody_reading_the_log_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

    logfmt.begin()
    monkeypatch.setattr(sys, "stderr", Gone())
    logging.getLogger("here").warning("event=unheard")
