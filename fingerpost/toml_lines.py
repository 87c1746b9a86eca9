"""Where in a TOML text each key and each element of an array stands, by line.

`tomllib` reads the values and forgets the lines. This reads the lines and forgets the values. Pure; it is given
only text that `tomllib` has read, so it asks no questions about what is valid.
"""

import re
import tomllib
from collections.abc import Mapping

Where = tuple[str | int, ...]  # ("listen", "udp", 1) is the second address in [listen] udp
Lines = Mapping[Where, int]

_TOKEN = re.compile(
    r"""
      (?P<blank> [ \t\r]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<text> \"{3} (?: \\. | [^\\] )*? \"{3,5}(?!\") | '{3} .*? '{3,5}(?!')
              | " (?: \\. | [^"\\] )* " | ' [^']* ' )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<bare> [^\s\[\]{}=,.#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def lines_of(text: str) -> dict[Where, int]:
    """Return the line, from 1, of every table, key and array element."""
    return _Finder(text).found


class _Finder:
    """A walk over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.found: dict[Where, int] = {}
        self._tokens: list[tuple[str, int]] = []  # a newline is "\n"; blanks and comments are left out
        self._at = 0
        self._counts: dict[Where, int] = {}  # elements of each array of tables so far
        line = 1
        for match in _TOKEN.finditer(text):
            if match.lastgroup != "blank":
                self._tokens.append((match.group(), line))
            line += match.group().count("\n")
        table: Where = ()
        while self._skip_newlines():
            table = self._header() if self._peek() == "[" else self._pair(table)

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _skip_newlines(self) -> bool:
        """Go to the next token that is none; say whether there is one."""
        while self._peek() == "\n":
            self._at += 1
        return self._at < len(self._tokens)

    def _note(self, where: Where) -> None:
        self.found.setdefault(where, self._tokens[self._at][1])

    def _key(self, end: str) -> list[str]:
        """Read a dotted key up to the mark after it."""
        parts: list[str] = []
        while (part := self._take()) != end:
            if part != ".":
                quoted = part[0] in "\"'"
                parts.append(tomllib.loads(f"key = {part}")["key"] if quoted else part)
        return parts

    def _header(self) -> Where:
        """Read `[table]` or `[[table]]` and return the place of what follows."""
        start = self._at
        self._take()
        in_array = self._peek() == "["
        self._at += in_array
        parts = self._key("]")
        table: Where = ()
        for number, part in enumerate(parts):
            table = (*table, part)
            is_new = in_array and number == len(parts) - 1
            if is_new:
                self._counts[table] = self._counts.get(table, 0) + 1
            if table in self._counts:
                self.found.setdefault(table, self._tokens[start][1])
                table = (*table, self._counts[table] - 1)
        self._at += in_array
        self.found.setdefault(table, self._tokens[start][1])
        return table

    def _pair(self, table: Where) -> Where:
        """Read `key = value` and return the table it stands in."""
        start = self._at
        parts = self._key("=")
        for count in range(1, len(parts) + 1):
            self.found.setdefault((*table, *parts[:count]), self._tokens[start][1])
        self._value((*table, *parts))
        return table

    def _value(self, where: Where) -> None:
        if self._peek() == "[":
            self._array(where)
        elif self._peek() == "{":
            self._take()
            while self._skip_newlines() and self._peek() != "}":
                if self._peek() == ",":
                    self._take()
                else:
                    self._pair(where)
            self._take()
        else:
            while self._peek() not in {"\n", ",", "]", "}", ""}:
                self._take()

    def _array(self, where: Where) -> None:
        self._take()
        index = 0
        while self._skip_newlines() and self._peek() != "]":
            if self._peek() == ",":
                self._take()
                index += 1
            else:
                self._note((*where, index))
                self._value((*where, index))
        self._take()
