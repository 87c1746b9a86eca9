"""What goes over the control socket: a line with the words, then lines of JSON, the last with the status.

    > ["cache", "show", "+14155550100"]
    < {"line": "csi +14155550100 ..."}
    < {"status": 0, "reason": ""}

Pure.
"""

import json
from typing import Final

MAX_REQUEST: Final = 65_536  # octets of the line with the words; names of a few hundred people to be flushed
MAX_WORDS: Final = 1_000


class NotAskedError(Exception):
    """A line that is no request; the reason is for whoever sent it."""


def request(words: list[str]) -> bytes:
    """Return the line with the words."""
    return json.dumps(words).encode() + b"\n"


def words_in(line: bytes) -> list[str]:
    """Return the words of a request.

    Raises:
        NotAskedError: It is none.
    """
    try:
        words = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotAskedError("not a line of JSON") from error
    if not isinstance(words, list) or not 0 < len(words) <= MAX_WORDS:
        raise NotAskedError(f"expected an array of 1 to {MAX_WORDS} words")
    if not all(isinstance(word, str) for word in words):
        raise NotAskedError("expected an array of words")
    return words


def line(text: str) -> bytes:
    """Return a line of an answer."""
    return json.dumps({"line": text}, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def end(reason: str = "") -> bytes:
    """Return the last line of an answer: done, or why not."""
    return json.dumps({"status": 1 if reason else 0, "reason": reason}).encode() + b"\n"


def read(octets: bytes) -> tuple[str | None, str]:
    """Return the text of a line and ""; or None, of the last, and why it was not done.

    Raises:
        ValueError: It is no line of an answer.
    """
    found = json.loads(octets)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what is wrong is the text, not a type of ours
    if "line" in found:
        return str(found["line"]), ""
    return None, str(found.get("reason", "")) if found.get("status") == 0 else str(found.get("reason") or "refused")
