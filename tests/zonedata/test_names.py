import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import names
from zonedata.errors import MalformedError
from zonedata.names import ROOT, Name

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-_"
label = st.text(ALPHABET, min_size=1, max_size=12).map(str.encode)
labels = st.lists(label, max_size=8)
name = labels.map(names.from_labels)
# Few labels over few letters, so that names cover one another, and '-' sorts below every digit and letter.
close = st.lists(st.sampled_from([b"a", b"a-", b"ab", b"-", b"0"]), max_size=4).map(names.from_labels)
below = st.tuples(close, close).map(lambda two: (two[0], Name(two[0] + two[1])))
pair = st.tuples(close, close) | below
APEX = names.from_text("fingerpost.internal.")


@given(labels)
def test_labels_round_trip(parts: list[bytes]) -> None:
    assert names.labels_of(names.from_labels(parts)) == parts


@given(name)
def test_text_round_trip(one: Name) -> None:
    assert names.from_text(names.to_text(one)) == one


@given(name, st.sampled_from([ROOT, APEX]))
def test_wire_round_trip(one: Name, apex: Name) -> None:
    wire = names.to_wire(one, apex)
    parts, at = [], 0
    while wire[at]:
        parts.append(wire[at + 1 : at + 1 + wire[at]])
        at += 1 + wire[at]
    assert at == len(wire) - 1
    assert names.from_wire(parts, apex) == one


def test_longest_name_under_longest_apex_is_a_legal_dns_name() -> None:
    longest = names.from_labels([b"a" * 63, b"b" * 63, b"c" * (names.MAX_NAME - 129)])
    apex = names.from_labels([b"x" * (names.MAX_APEX - 2)])
    assert len(names.to_wire(longest, apex)) == names.MAX_WIRE_NAME


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"a" * 64],
        [b"A"],
        [b"a.b"],
        [b"a\0b"],
        ["ä".encode()],
        [b" "],
        [b"a"] * 41,
        [b"a" * 63, b"b" * 63, b"c" * 63],
    ],
)
def test_bad_labels_are_refused(parts: list[bytes]) -> None:
    with pytest.raises(MalformedError):
        names.from_labels(parts)


@pytest.mark.parametrize("text", ["", "a", "a.b", "..", ".a.", "a..b.", "A.", "ä.", "a b.", "a\0."])
def test_bad_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        names.from_text(text)


@given(st.text(max_size=20))
def test_text_has_one_spelling(text: str) -> None:
    try:
        one = names.from_text(text)
    except MalformedError:
        return
    assert names.to_text(one) == text


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"1", b"e164"],
        [b"1", b"e164", b"internal"],
        [b"1", b"e164", b"xfingerpost", b"internal"],
        [b"e164\x001", b"fingerpost", b"internal"],
        [b"1", b"e164\0fingerpost", b"internal"],
        [b"1", b"e164", b"internal\0fingerpost"],
        [b"", b"fingerpost", b"internal"],
        [b"+1", b"fingerpost", b"internal"],
    ],
)
def test_labels_that_are_no_name_of_ours_are_none(parts: list[bytes]) -> None:
    assert names.from_wire(parts, APEX) is None


@given(st.lists(st.binary(max_size=4), max_size=4))
def test_from_wire_keeps_every_label_apart(parts: list[bytes]) -> None:
    one = names.from_wire([*parts, b"fingerpost", b"internal"], APEX)
    assert one is None or names.labels_of(one) == parts[::-1]


@given(pair, close)
def test_covers_is_a_partial_order(two: tuple[Name, Name], more: Name) -> None:
    a, b = two
    assert names.covers(a, Name(b + more)) or not names.covers(a, b)
    assert names.covers(a, a)
    assert a == b or not (names.covers(a, b) and names.covers(b, a))


@given(pair)
def test_covers_says_what_the_labels_say(two: tuple[Name, Name]) -> None:
    a, b = two
    above = names.labels_of(a)
    assert names.covers(a, b) == (names.labels_of(b)[: len(above)] == above)


@given(pair)
def test_byte_order_is_the_canonical_order_of_rfc_4034(two: tuple[Name, Name]) -> None:
    a, b = two
    # Section 6.1: by labels from the right; a missing label first; labels as unsigned octets.
    assert (a < b) == (names.labels_of(a) < names.labels_of(b))


def test_canonical_order_example() -> None:
    texts = ["example.", "a.example.", "y.a.example.", "z.a.example.", "a-.example.", "a0.example.", "z.example."]
    keys = [names.from_text(text) for text in texts]
    assert keys == sorted(keys)


@given(name)
def test_ancestors_are_what_covers(one: Name) -> None:
    found = names.ancestors(one)
    assert found == [names.ancestor(one, count) for count in range(names.depth(one) + 1)]
    assert found[0] == ROOT
    assert found[-1] == one
    assert all(names.covers(up, one) for up in found)
    assert [names.depth(up) for up in found] == list(range(len(found)))


@given(pair)
def test_end_of_closes_the_range_of_what_lies_below(two: tuple[Name, Name]) -> None:
    node, other = two
    end = names.end_of(node)
    assert names.covers(node, other) == (node <= other and (not end or other < end))


def test_child_is_one_below() -> None:
    assert names.to_text(names.child(names.from_text("1.e164."), b"4")) == "4.1.e164."
    assert names.child(ROOT, b"mail") == names.from_text("mail.")
