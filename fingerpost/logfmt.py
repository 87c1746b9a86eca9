"""Log lines: one a line of text, `time=... level=... event=...`, on standard error."""

import json
import logging
from contextlib import suppress
from datetime import UTC, datetime

from fingerpost.output import complain


def quoted(value: object) -> str:
    """Write a value so that blanks, quotes and line ends in it break nothing."""
    text = str(value)
    if text and text.isprintable() and not any(c in text for c in ' "='):
        return text
    return json.dumps(text, ensure_ascii=False)


class Logfmt(logging.Formatter):
    """Messages of ours begin with `event=`; others become the `message` of `event=log`.

    Attributes:
        said_by: A field that ends every message, such as `worker=0`; may be empty.
    """

    said_by = ""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = record.getMessage()
        if not message.startswith("event="):
            message = f"event=log logger={record.name} message={quoted(message)}"
        if self.said_by:
            message += f" {self.said_by}"
        if record.exc_info:
            message += f" trace={quoted(self.formatException(record.exc_info))}"
        line = f"time={time.replace('+00:00', 'Z')} level={record.levelname.lower()} {message}"
        return line.replace("\r", "\\r").replace("\n", "\\n")


class _OnStandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print one record. A daemon does not end because nobody reads its log any more."""
        with suppress(OSError, ValueError):
            complain(self.format(record))


def begin() -> None:
    """Send every log record to standard error; doing it twice changes nothing."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    if not any(isinstance(handler, _OnStandardError) for handler in root.handlers):
        handler = _OnStandardError()
        handler.setFormatter(Logfmt())
        root.addHandler(handler)


def identify(said_by: str) -> None:
    """Put a field into every line of this process from now on: who of several has said it."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Logfmt):
            handler.formatter.said_by = said_by
