"""What goes over the control socket: any words come through whole, and nothing else is taken for words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerpost.control import messages
from fingerpost.control.messages import MAX_WORDS, NotAskedError
from fingerpost.control.verbs import VERBS, UnknownVerbError, verb_of


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_words_come_through(words: list[str]) -> None:
    line = messages.request(words)
    assert line.count(b"\n") == 1
    assert messages.words_in(line) == words


@given(st.text())
def test_a_line_of_an_answer_comes_through(text: str) -> None:
    octets = messages.line(text)
    assert octets.count(b"\n") == 1
    assert messages.read(octets) == (text, "")


@given(st.binary())
def test_anything_else_is_refused(octets: bytes) -> None:
    try:
        words = messages.words_in(octets)
    except NotAskedError:
        return
    assert all(isinstance(word, str) for word in words)


@pytest.mark.parametrize("line", [b"[]", b'"status"', b"[1]", b"{}", b"[" * 10_000, b"\xff", b""])
def test_what_is_no_array_of_words_is_refused(line: bytes) -> None:
    with pytest.raises(NotAskedError):
        messages.words_in(line)


def test_too_many_words_are_refused() -> None:
    with pytest.raises(NotAskedError, match="1 to 1000 words"):
        messages.words_in(messages.request(["x"] * (MAX_WORDS + 1)))


def test_the_end_says_why() -> None:
    assert messages.read(messages.end()) == (None, "")
    assert messages.read(messages.end("no such zone")) == (None, "no such zone")
    assert messages.read(b'{"status": 1}') == (None, "refused")
    with pytest.raises(ValueError, match="object"):
        messages.read(b"[]")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_found_by_its_words(verb: object) -> None:
    one = next(known for known in VERBS if known is verb)
    operands = [word for word in one.operands.split() if not word.startswith("[")]
    assert verb_of([*one.words, *operands], one.daemon or "resolver") == (one, operands)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["statsu"], "'statsu' is unknown; there is log, reload, servers, statistics, status, stop, zone"),
        (["log", "colour"], "'log colour' is unknown; there is log level"),
        (["status", "now"], "expected 'status'"),
        (["log", "level", "info", "debug"], r"expected 'log level \[LEVEL\]'"),
    ],
)
def test_other_words_are_told_what_there_is(words: list[str], reason: str) -> None:
    with pytest.raises(UnknownVerbError, match=reason):
        verb_of(words, "resolver")
