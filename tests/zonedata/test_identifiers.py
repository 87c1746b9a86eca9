import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedata import identifiers, names
from zonedata.errors import MalformedError
from zonedata.fields import check_host
from zonedata.identifiers import is_owner, node_from_text, node_to_text, parse, reaches

digits = st.text("0123456789", max_size=15)
word = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
domain = st.lists(word, min_size=1, max_size=3).map(lambda parts: ".".join([*parts, "example"]))
ALICE = hashlib.sha256(b"alice").hexdigest()[:56]


@pytest.mark.parametrize(
    ("typed", "text", "name"),
    [
        ("+14155550123", "+14155550123", "3.2.1.0.5.5.5.5.1.4.1.e164."),
        ("+1 (415) 555-0123", "+14155550123", "3.2.1.0.5.5.5.5.1.4.1.e164."),
        ("+390612345678", "+390612345678", "8.7.6.5.4.3.2.1.6.0.9.3.e164."),
        ("alice@example.com", "alice@example.com", f"{ALICE}._at.example.com.mail."),
        ("Alice@EXAMPLE.com", "alice@example.com", f"{ALICE}._at.example.com.mail."),
        ("alice@bücher.example", "alice@xn--bcher-kva.example", f"{ALICE}._at.xn--bcher-kva.example.mail."),
    ],
)
def test_one_person_one_name(typed: str, text: str, name: str) -> None:
    csi = parse(typed)
    assert (csi.text, names.to_text(csi.owner)) == (text, name)
    assert is_owner(csi.owner)
    assert identifiers.SCHEMES[csi.scheme].suffix == names.labels_of(csi.owner)[0]


def test_composed_and_decomposed_local_parts_are_one() -> None:
    assert parse("rene\u0301@example.com") == parse("REN\u00c9@example.com")


def test_lower_case_is_composed_again() -> None:
    csi = parse("a\u0130\u0323@example.com")
    assert csi == parse(csi.text)
    assert unicodedata.is_normalized("NFC", csi.text)


def test_local_part_does_not_travel_in_the_clear() -> None:
    assert "alice" not in names.to_text(parse("alice@example.com").owner)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "alice",
        "+",
        "+1",
        "14155550123",
        "+14155550123 ext. 5",
        "+1415555012345",
        "+49" + "1" * 15,
        "+" + "1" * 50,
        "+999123456",
        "@example.com",
        "a@b@example.com",
        "a@localhost",
        "a@[192.0.2.1]",
        "a@exa_mple.com",
        "a\ud800@example.com",
        "a@example.com" + "m" * 320,
        "a@" + ".".join(["b" * 60] * 3) + ".example",
    ],
)
def test_what_is_no_identifier_is_refused_in_words(typed: str) -> None:
    with pytest.raises(MalformedError, match=r"\w"):
        parse(typed)


@given(st.text(max_size=30) | st.text("+@.0123456789 ()-abcäß", max_size=30))
def test_any_text_is_an_identifier_or_refused(typed: str) -> None:
    try:
        csi = parse(typed)
    except MalformedError:
        return
    assert is_owner(csi.owner)
    assert parse(csi.text) == csi


@given(word, domain)
def test_mail_parses_to_itself(local: str, at: str) -> None:
    csi = parse(f"{local.upper()}@{at.upper()}")
    assert csi.text == f"{local}@{at}"
    assert parse(csi.text) == csi
    assert is_owner(csi.owner)
    assert reaches(node_from_text("@" + at), csi.owner, deep=False)


@given(digits)
def test_prefix_round_trip(typed: str) -> None:
    node = node_from_text("+" + typed)
    assert node_to_text(node) == "+" + typed
    assert identifiers.digits_of(node) == typed
    assert is_owner(node) == bool(typed)


@given(domain)
def test_domain_round_trip(typed: str) -> None:
    node = node_from_text("@" + typed)
    assert node_to_text(node) == "@" + typed
    assert not is_owner(node)


@pytest.mark.parametrize("text", [".", "+", "@", "+1415", "@example.com"])
def test_nodes_with_names_of_their_own(text: str) -> None:
    assert node_to_text(node_from_text(text)) == text


def test_international_domain_becomes_a_labels() -> None:
    assert node_to_text(node_from_text("@bücher.example")) == "@xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["", "1415", "+14x", "+" + "1" * 16, "+²", "@a..b", "@exa mple.com", "@a.com."])
def test_what_is_no_node_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        node_from_text(text)


@pytest.mark.parametrize(
    "name",
    [
        ".",
        "e164.",
        "1.handle.",
        "14.e164.",
        "1.a.e164.",
        ".".join("1" * 16) + ".e164.",
        "mail.",
        "example.com.mail.",
        f"{ALICE}._at.mail.",
        f"{ALICE[1:]}._at.example.com.mail.",
        f"g{ALICE[1:]}._at.example.com.mail.",
        f"{ALICE}._at._at.example.com.mail.",
        f"{ALICE}.at.example.com.mail.",
    ],
)
def test_what_no_person_can_have(name: str) -> None:
    assert not is_owner(names.from_text(name))


@pytest.mark.parametrize(
    ("node", "owner", "deep", "expected"),
    [
        ("+1415", "+14155550123", False, True),
        ("+1415", "+14165550123", True, False),
        (".", "+14155550123", False, True),
        ("@example.com", "a@example.com", False, True),
        ("@example.com", "a@sub.example.com", False, False),
        ("@example.com", "a@sub.example.com", True, True),
        ("@com", "a@example.com", False, False),
        ("@", "a@example.com", True, True),
        ("@example.com", "a@xexample.com", True, False),
    ],
)
def test_how_far_a_grant_reaches(node: str, owner: str, deep: bool, expected: bool) -> None:
    assert reaches(node_from_text(node), parse(owner).owner, deep=deep) is expected


def test_names_of_no_scheme_are_reached_by_nothing_and_written_as_names() -> None:
    other = names.from_text("alice.example.handle.")
    assert identifiers.scheme_of(other) is None
    assert not reaches(names.ROOT, other, deep=True)
    assert node_to_text(other) == "alice.example.handle."


@given(domain)
def test_every_host_that_is_accepted_has_a_name_for_its_binding(host: str) -> None:
    assert names.to_text(identifiers.authority_node(check_host(host))) == f"{host}.authority."


def test_binding_of_the_root_itself() -> None:
    assert names.to_text(identifiers.authority_node(".")) == "authority."
