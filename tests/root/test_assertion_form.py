"""The form: octet for octet what making, sealing and laying out each assertion by itself gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from root.assertion_form import AssertionForm
from tests.zonedata.builders import NOW, key
from zonedata import identifiers, names, statements
from zonedata.errors import MalformedError
from zonedata.life import Life
from zonedata.names import Name
from zonedata.person_statements import Assertion
from zonedata.store.layout import entry

KEY = key("alpha.example/assert")
LIFE = Life(300, NOW, NOW, NOW + 1_000)
HOST = "alpha.example"

_numbers = st.text("0123456789", min_size=1, max_size=15).map(identifiers.number_name)
_labels = st.lists(st.text("abc019-_", min_size=1, max_size=20).map(str.encode), max_size=8)
_names = _labels.map(names.from_labels) | _labels.map(lambda labels: names.from_labels([b"e164", *labels]))
_features = st.lists(st.text("owner.si-", min_size=1, max_size=32), max_size=17, unique=True).map(sorted).map(tuple)
_ssis = st.text(st.characters(codec="utf-8"), max_size=300).map(lambda user: f"mimi://{HOST}/{user}")
_times = st.integers(0, 2**40)


def by_itself(  # noqa: PLR0917 - what an assertion consists of
    life: Life, owner: Name, ssi: str, features: tuple[str, ...], recipient: bytes = b"", msp: str = HOST
) -> bytes:
    """The straightforward way."""
    return entry(life, statements.seal(Assertion(life, owner, msp, ssi, features, recipient), KEY))


@given(
    st.builds(Life, st.integers(0, 2**31), _times, _times, _times),
    _numbers | _names,
    _ssis,
    _features,
    st.just(b"") | st.binary(min_size=32, max_size=32),
)
def test_entries_are_those_of_statements_sealed_one_by_one(
    life: Life, owner: Name, ssi: str, features: tuple[str, ...], recipient: bytes
) -> None:
    form = AssertionForm(HOST, life, KEY)
    try:
        expected = by_itself(life, owner, ssi, features, recipient)
    except MalformedError:
        with pytest.raises(MalformedError):
            form.entry_of(owner, ssi, features, recipient)
    else:
        try:
            assert form.entry_of(owner, ssi, features, recipient) == expected
        except MalformedError:  # of what nobody may say the form refuses more than the sealing alone
            assert len(ssi.encode()) > 300


@given(st.sampled_from(["a.b", "owner.ssi", "features.example", "x" * 60 + ".example"]), _numbers)
def test_whatever_the_msp_is_called(msp: str, owner: Name) -> None:
    made = AssertionForm(msp, LIFE, KEY).entry_of(owner, f"mimi://{msp}/u", ("e2ee",))
    assert made == by_itself(LIFE, owner, f"mimi://{msp}/u", ("e2ee",), msp=msp)


def test_one_form_for_many_that_differ() -> None:
    form, people = AssertionForm(HOST, LIFE, KEY), []
    for n in range(50):
        owner = identifiers.number_name(str(10**n % 10**15 + n)[:15])
        people.append((owner, f"mimi://{HOST}/{'u' * 5 * n}", tuple(f"f{i}" for i in range(n % 5))))
    assert [form.entry_of(*one) for one in people] == [by_itself(LIFE, *one) for one in people]


@pytest.mark.parametrize(
    ("length", "features", "wrong"),
    [
        (301, 0, "a text of more than 300 octets"),
        (300, 16, "ASSERTION of 960 octets, at most 900 are allowed"),
    ],
)
def test_what_is_too_long_is_refused(length: int, features: int, wrong: str) -> None:
    form = AssertionForm(HOST, LIFE, KEY)
    with pytest.raises(MalformedError, match=wrong):
        form.entry_of(
            identifiers.number_name("14155550123"), "x" * length, tuple(f"{n:032}" for n in range(features))
        )
