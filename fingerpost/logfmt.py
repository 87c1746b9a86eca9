"""Log lines: one a line of text, `time=... level=... event=...`, on standard error."""

import json
import logging
import sys
from datetime import UTC, datetime


def quoted(value: object) -> str:
    """Write a value so that blanks, quotes and line ends in it break nothing."""
    text = str(value)
    if text and text.isprintable() and not any(c in text for c in ' "='):
        return text
    return json.dumps(text, ensure_ascii=False)


class Logfmt(logging.Formatter):
    """Messages of ours begin with `event=`; others become the `message` of `event=log`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = record.getMessage()
        if not message.startswith("event="):
            message = f"event=log logger={record.name} message={quoted(message)}"
        if record.exc_info:
            message += f" trace={quoted(self.formatException(record.exc_info))}"
        line = f"time={time.replace('+00:00', 'Z')} level={record.levelname.lower()} {message}"
        return line.replace("\r", "\\r").replace("\n", "\\n")


def begin() -> None:
    """Send every log record to standard error, as it is now."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
