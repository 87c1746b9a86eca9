from collections.abc import Callable
from typing import Any

import pytest

from zonedata import names
from zonedata.errors import MalformedError
from zonedata.fields import Fields, check_host, strictly_ascending

Take = Callable[[Fields], Any]


@pytest.mark.parametrize(
    ("value", "take", "expected"),
    [
        (0, lambda f: f.number("x", 9), 0),
        (9, lambda f: f.number("x", 9), 9),
        (True, lambda f: f.flag("x"), True),
        ("é", lambda f: f.text("x", 2), "é"),
        (b"ab", lambda f: f.octets("x", 2), b"ab"),
        (b"", lambda f: f.octets("x", 0), b""),
        ("4.1.e164.", lambda f: f.name("x"), names.from_text("4.1.e164.")),
        ("alpha.example", lambda f: f.host("x"), "alpha.example"),
        (".", lambda f: f.host("x"), "."),
        ([1, 2], lambda f: f.list_of("x", lambda one: one + 1, 2), (2, 3)),
        ({"y": 1}, lambda f: f.map("x").number("y", 1), 1),
    ],
)
def test_fields_of_the_right_type_are_taken_once(value: Any, take: Take, expected: Any) -> None:
    fields = Fields({"x": value})
    assert fields.has("x")
    assert take(fields) == expected
    assert not fields.has("x")
    fields.done()
    with pytest.raises(MalformedError, match="'x' is missing"):
        take(fields)


@pytest.mark.parametrize(
    ("value", "take"),
    [
        (10, lambda f: f.number("x", 9)),
        (True, lambda f: f.number("x", 9)),
        ("1", lambda f: f.number("x", 9)),
        (1, lambda f: f.flag("x")),
        ("", lambda f: f.text("x", 9)),
        ("éé", lambda f: f.text("x", 3)),
        ("a\n", lambda f: f.text("x", 9)),
        ("a\x1b[1m", lambda f: f.text("x", 9)),
        (b"a", lambda f: f.text("x", 9)),
        (b"abc", lambda f: f.octets("x", 2)),
        ("ab", lambda f: f.octets("x", 2)),
        ("4.1.e164", lambda f: f.name("x")),
        (b"4.1.e164.", lambda f: f.name("x")),
        ("Alpha.example", lambda f: f.host("x")),
        ((1,), lambda f: f.list_of("x", int, 2)),
        ([1, 2, 3], lambda f: f.list_of("x", int, 2)),
        ([], lambda f: f.map("x")),
    ],
)
def test_others_are_refused_by_name(value: Any, take: Take) -> None:
    with pytest.raises(MalformedError, match=r"x|Alpha"):
        take(Fields({"x": value}))


def test_a_bad_element_names_its_list() -> None:
    with pytest.raises(MalformedError, match=r"'x'.*bad"):
        Fields({"x": ["bad"]}).list_of("x", check_host, 2)


def test_what_is_left_over_is_an_error() -> None:
    fields = Fields({"b": 1, "a": 2})
    with pytest.raises(MalformedError, match="unknown field 'a'"):
        fields.done()


def test_reading_does_not_change_what_is_read() -> None:
    value = {"x": 1}
    Fields(value).number("x", 1)
    assert value == {"x": 1}


@pytest.mark.parametrize("value", [None, 1, [], "x"])
def test_only_maps_have_fields(value: Any) -> None:
    with pytest.raises(MalformedError, match="map"):
        Fields(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example",
        "alpha.example.",
        "Alpha.example",
        "alpha..example",
        ".example",
        "al pha.example",
        "älpha.example",
        "a" * 64 + ".example",
        ".".join(["a"] * 32),
        ".".join(["a" * 60] * 3),
        ".".join(["a"] * 127),
    ],
)
def test_what_is_no_authority(text: str) -> None:
    with pytest.raises(MalformedError):
        check_host(text)


def test_the_longest_authorities() -> None:
    assert check_host(".".join(["a"] * 31))
    assert check_host(".".join(["a" * 44] * 4))


def test_sets_have_one_spelling() -> None:
    strictly_ascending((), "words")
    strictly_ascending((1, 2, 9), "words")
    for bad in ((1, 1), (2, 1), (1, 3, 2)):
        with pytest.raises(MalformedError, match="words"):
            strictly_ascending(bad, "words")
