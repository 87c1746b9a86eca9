import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerpost.toml_lines import Where, lines_of

TEXT = '''\
# a comment with [brackets] and = signs
apex = "a." # another, "quoted"

[listen]
udp = ["127.0.0.1#1",   # the first
  '::1#2', # the second ]
  "third",
]
[ "quo.ted" . 'x' ] # header
"a key" . b = """text
[not.a.table]
key = 1 \\""" still
"""
c = \'\'\'one "
''quoted'' two\'\'\'
d = { e = 1.5, f.g = [1, [2,
3]] }
h = 1979-05-27 07:32:00
[[many]]
n = 1
[many.sub]
m = -1
[[many]]
n = ""
'''
EXPECTED: dict[Where, int] = {
    ("apex",): 2,
    ("listen",): 4,
    ("listen", "udp"): 5,
    ("listen", "udp", 0): 5,
    ("listen", "udp", 1): 6,
    ("listen", "udp", 2): 7,
    ("quo.ted", "x"): 9,
    ("quo.ted", "x", "a key"): 10,
    ("quo.ted", "x", "a key", "b"): 10,
    ("quo.ted", "x", "c"): 14,
    ("quo.ted", "x", "d"): 16,
    ("quo.ted", "x", "d", "e"): 16,
    ("quo.ted", "x", "d", "f"): 16,
    ("quo.ted", "x", "d", "f", "g"): 16,
    ("quo.ted", "x", "d", "f", "g", 0): 16,
    ("quo.ted", "x", "d", "f", "g", 1): 16,
    ("quo.ted", "x", "d", "f", "g", 1, 0): 16,
    ("quo.ted", "x", "d", "f", "g", 1, 1): 17,
    ("quo.ted", "x", "h"): 18,
    ("many",): 19,
    ("many", 0): 19,
    ("many", 0, "n"): 20,
    ("many", 0, "sub"): 21,
    ("many", 0, "sub", "m"): 22,
    ("many", 1): 23,
    ("many", 1, "n"): 24,
}


def test_everything_has_its_line() -> None:
    tomllib.loads(TEXT)
    assert lines_of(TEXT) == EXPECTED


def test_line_ends_of_windows_count_once() -> None:
    assert lines_of(TEXT.replace("\n", "\r\n")) == EXPECTED


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", " \t"])
def test_nothing_has_no_lines(text: str) -> None:
    assert lines_of(text) == {}


@pytest.mark.parametrize(
    "value", ['""', "''", '""""""', "''''''", '"""a"""', '"""a"""""', "'''a'''''", r'"\\"', r'"\""', '"""\n"\n"""']
)
def test_what_follows_a_text_is_found(value: str) -> None:
    text = f"a = {value}\nb = 1\n"
    tomllib.loads(text)
    assert lines_of(text)["b",] == text.count("\n")


_scalars = st.sampled_from(["1", "-1.5e3", "true", '"a#b"', "'[x]'", '"""m\nn"""', "2026-01-31", "inf", '"="'])
_arrays = st.lists(_scalars, max_size=4).map(lambda some: "[\n" + ",\n".join(some) + "]" if some else "[ ]")
_inline = st.lists(_scalars, max_size=3).map(
    lambda some: "{" + ", ".join(f"k{n} = {one}" for n, one in enumerate(some)) + "}"
)
_keys = st.sampled_from(["plain", '"with.dot"', "'it=1'", "x . y", "10"])


@given(st.lists(st.tuples(_keys, _scalars | _arrays | _inline), max_size=6))
def test_every_key_that_tomllib_reads_has_the_line_it_was_written_on(pairs: list[tuple[str, str]]) -> None:
    text, expected = "", dict[Where, int]()
    for number, (key, value) in enumerate(pairs):
        text += f"# comment ]\n[t{number}] # = \n"
        expected[f"t{number}",] = text.count("\n")
        expected[f"t{number}", *_parts(key)] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    found = lines_of(text)
    assert expected.items() <= found.items()
    assert set(found) == set(_places((), tomllib.loads(text)))


def _parts(key: str) -> tuple[str, ...]:
    value: Any = tomllib.loads(f"{key} = 1")
    parts = []
    while isinstance(value, dict):
        ((part, value),) = value.items()
        parts.append(part)
    return tuple(parts)


def _places(above: Where, value: Any) -> list[Where]:
    if isinstance(value, dict):
        items: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        items = []
    return [place for key, one in items for place in ((*above, key), *_places((*above, key), one))]
