"""How much of a name a zone is asked about, against zones of all shapes."""

import random
from bisect import bisect_right

import pytest

from resolver.minimised import FIRST_DIGITS, ONE_BY_ONE, Minimised, labels_needed
from zonedata import names
from zonedata.identifiers import node_from_text, parse
from zonedata.life import Life
from zonedata.names import Name
from zonedata.zone_statements import Gap

LIFE = Life(300, 1, 1, 2)
PHONE = parse("+14155550123").owner
MOST = 6  # questions of one number to one zone, whatever it holds


class Zone:
    """The gaps of a zone with these nodes, all of which it delegates."""

    def __init__(self, *nodes: Name) -> None:
        self.names = sorted({names.ROOT, *nodes})
        self.nodes = set(nodes)
        self.asked: list[Name] = []

    def gap(self, name: Name) -> Gap:
        at = bisect_right(self.names, name) - 1
        first = self.names[at]
        following = self.names[at + 1] if at + 1 < len(self.names) else names.ROOT
        counts = [count for count, node in enumerate(names.ancestors(first)) if node in self.nodes]
        return Gap(LIFE, bytes(16), ".", first, following, tuple(counts))

    def find(self, owner: Name, node: Name = names.ROOT, nearest: Gap | None = None) -> Gap:
        """Ask as a resolver does, and return the gap in which that ends."""
        minimised = Minimised(owner, node)
        while (name := minimised.next(nearest)) is not None:
            assert names.covers(name, owner)
            assert not self.asked or len(name) > len(self.asked[-1]), "each question goes deeper"
            self.asked.append(name)
            gap = self.gap(name)
            if nearest is None or gap.first >= nearest.first:
                nearest = gap
            if nearest.holds(owner):
                break
        assert nearest is not None
        return nearest


def zone(*texts: str) -> Zone:
    return Zone(*(node_from_text(text) for text in texts))


def depths(asked: list[Name]) -> list[int]:
    return [names.depth(name) - 1 for name in asked]


@pytest.mark.parametrize(
    ("nodes", "digits"),
    [
        (("+1",), [5]),
        (("+1", "+1415"), [5]),
        (("+49",), [5]),
        (("+1", "+1415555"), [5, 7]),
        (("+1415555", "+14155550"), [5, 7, 8]),
        (("+14150", "+14155549"), [5, 7]),
        (("+14155550123",), [5, 11]),
        (("+14155550124",), [5]),
        (("+1416",), [5]),
        ((), [5]),
    ],
)
def test_each_question_is_as_long_as_the_gap_before_it_demands(nodes: tuple[str, ...], digits: list[int]) -> None:
    tried = zone(*nodes)
    assert tried.find(PHONE).holds(PHONE)
    assert depths(tried.asked) == digits


def test_a_mail_address_is_never_shown_to_a_zone() -> None:
    owner = parse("alice@mail.example.com").owner
    for nodes, asked in [
        (("@example.com",), ["example.com.mail."]),
        (("@mail.example.com",), ["example.com.mail.", "mail.example.com.mail."]),
        (("@com", "@mail.example.com", "@1.mail.example.com"), ["example.com.mail.", "mail.example.com.mail.", ""]),
    ]:
        tried = zone(*nodes)
        tried.find(owner)
        expected = [name or "_at.mail.example.com.mail." for name in asked]
        assert [names.to_text(name) for name in tried.asked] == expected
    spying = Zone(owner, Name(owner[:-3] + b"0\0"))
    spying.find(owner)
    assert all(names.depth(name) < names.depth(owner) for name in spying.asked), "whatever it claims to delegate"


def test_a_registry_is_asked_below_its_own_node() -> None:
    tried = zone("+1415555")
    tried.find(PHONE, node_from_text("+1415"))
    assert depths(tried.asked) == [6, 7]


def test_what_was_learnt_before_saves_questions() -> None:
    tried = zone("+1", "+1415555", "+14155550")
    gap = tried.gap(node_from_text("+1415"))
    tried.find(PHONE, nearest=gap)
    assert depths(tried.asked) == [7, 8]
    again = zone("+1", "+1415555", "+14155550")
    again.find(PHONE, nearest=again.gap(PHONE))
    assert depths(again.asked) == [8], "a gap that has ended tells how long the question was that it answered"


def test_a_zone_that_shows_nothing_is_asked_to_the_end_and_no_further() -> None:
    minimised, asked = Minimised(PHONE, names.ROOT), []
    while (name := minimised.next(None)) is not None:
        asked.append(name)
    assert depths(asked) == [5, 6, 7, 9, 11]


def test_a_long_number_in_a_dense_zone_takes_six_questions_at_the_most() -> None:
    owner = parse("+4915123456789").owner
    every = [names.child(names.ancestor(owner, n), b"0") for n in range(2, names.depth(owner))]
    tried = Zone(*every, *(names.ancestor(owner, n) for n in range(2, names.depth(owner) + 1)))
    assert tried.find(owner).first == owner
    assert len(tried.asked) <= MOST


@pytest.mark.parametrize("seed", range(20))
def test_in_any_zone_it_finds_what_the_whole_name_would_and_asks_no_longer_than_it_must(seed: int) -> None:
    rng = random.Random(seed)
    alphabet = "123"[: rng.randrange(1, 4)]
    nodes = {"+" + "".join(rng.choices(alphabet, k=rng.randrange(1, 12))) for _ in range(rng.randrange(60))}
    tried = zone(*nodes)
    for _ in range(50):
        owner = node_from_text("+" + "".join(rng.choices(alphabet, k=rng.randrange(1, 16))))
        tried.asked.clear()
        gap = tried.find(owner)
        assert gap == tried.gap(owner)
        assert gap.delegated_above(owner) == tried.gap(tried.asked[-1]).delegated_above(tried.asked[-1])
        shortest = next(name for name in names.ancestors(owner) if tried.gap(name) == gap)
        assert labels_needed(owner, gap) == names.depth(shortest)
        assert len(tried.asked) <= MOST
        least = max(FIRST_DIGITS + 1, names.depth(shortest))
        if len(tried.asked) <= ONE_BY_ONE:
            assert names.depth(tried.asked[-1]) <= least
