"""What a sender picks: the rules one by one, and their properties."""

import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.answer import Answer, Reach, Row
from resolver.choice import Choice, Context, Why, choose, tie_break
from resolver.demand import demanding
from resolver.federation import in_tree, merged
from tests.resolver.fpdig.answers import CSI, EMPTY, FOUND, SOUND
from tests.zonedata.builders import key, life
from zonedata.errors import MalformedError
from zonedata.identifiers import parse
from zonedata.judgement import Outcome
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Kind, Role
from zonedata.recipient_statements import DEFAULT_TAG, SAME_SERVICE_TAG, Mapping, MappingEntry
from zonedata.standing import Standing

MSPS = ("alpha.example", "beta.example", "gamma.example", "delta.example")
BY_TIE_BREAK = sorted(MSPS, key=lambda msp: tie_break(CSI.owner, msp))
FIRST, SECOND, THIRD, LAST = BY_TIE_BREAK


def reach(msp: str, *tags: str, level: Assurance = Assurance.AUTHORIZED) -> Reach:
    return Reach(msp, f"mimi://{msp}/u/1", level, 2_000_000_000, (), tags)


def answer(*reaches: Reach) -> Answer:
    return replace(SOUND, reaches=reaches)


def picked(choice: Choice) -> tuple[str, Why]:
    return choice.pick.msp if choice.pick is not None else "", choice.why


def pick(*reaches: Reach, own: tuple[str, ...] = (), **context: object) -> tuple[str, Why]:
    return picked(choose(answer(*reaches), Context(**context), own))  # type: ignore[arg-type]  # the test names them


def test_nobody_and_one() -> None:
    assert choose(EMPTY) == Choice(None, Why.NOBODY, ())
    assert choose(answer(reach(LAST))) == Choice(reach(LAST), Why.ONLY_ONE, (reach(LAST),))


def test_the_first_tag_of_the_sender_that_anybody_has_decides() -> None:
    reaches = reach(FIRST, DEFAULT_TAG), reach(SECOND, "Business"), reach(LAST, "Private")
    assert pick(*reaches, tags=("Private", "Business")) == (LAST, Why.TAG)
    assert pick(*reaches, tags=("Family", "Business")) == (SECOND, Why.TAG)
    assert choose(answer(*reaches), Context(tags=("Family", "Business"))).tag == "Business"


def test_default_counts_where_no_tag_decides() -> None:
    reaches = reach(FIRST), reach(SECOND, "Business"), reach(LAST, DEFAULT_TAG)
    assert pick(*reaches) == (LAST, Why.DEFAULT)
    assert pick(*reaches, tags=("Family",), own=(FIRST, SECOND)) == (LAST, Why.DEFAULT)
    assert choose(answer(*reaches)).tag == ""


def test_same_service_comes_before_default_and_only_where_the_recipient_says_so() -> None:
    reaches = reach(FIRST, SAME_SERVICE_TAG), reach(SECOND, SAME_SERVICE_TAG, "Work"), reach(LAST, DEFAULT_TAG)
    assert pick(*reaches, own=(SECOND,)) == (SECOND, Why.SAME_SERVICE)
    assert pick(*reaches, own=(SECOND, FIRST)) == (SECOND, Why.SAME_SERVICE)
    assert pick(*reaches, own=(FIRST, SECOND)) == (FIRST, Why.SAME_SERVICE)
    assert pick(*reaches, own=(LAST, FIRST)) == (LAST, Why.SAME_SERVICE), "Default can have no second tag"
    assert pick(*reaches, own=(THIRD,)) == (LAST, Why.DEFAULT)
    assert pick(reach(FIRST), reach(LAST, DEFAULT_TAG), own=(FIRST, LAST)) == (LAST, Why.DEFAULT)


def test_where_the_recipient_leaves_it_open_own_services_count_and_then_the_tie_break() -> None:
    reaches = [reach(msp) for msp in MSPS]
    assert pick(*reaches, own=(LAST, SECOND)) == (LAST, Why.SAME_SERVICE)
    assert pick(*reaches, own=("other.example",)) == (FIRST, Why.TIE_BREAK)
    both = reach(SECOND, "Work"), reach(LAST, "Work"), reach(FIRST, DEFAULT_TAG)
    assert pick(*both, tags=("Work",)) == (SECOND, Why.TIE_BREAK)
    assert pick(*both, tags=("Work",), own=(LAST,)) == (LAST, Why.SAME_SERVICE)
    assert choose(answer(*both), Context(tags=("Work",))).tag == "Work"


def test_an_earlier_pick_is_kept_where_several_are_left_and_until_it_is_gone() -> None:
    reaches, earlier = [reach(msp) for msp in MSPS], f"mimi://{LAST}/u/1"
    assert pick(*reaches, earlier=earlier, own=(SECOND,)) == (LAST, Why.KEPT)
    assert pick(reach(FIRST), reach(SECOND), earlier=earlier) == (FIRST, Why.TIE_BREAK)
    assert pick(*reaches, earlier=f"mimi://{LAST}/u/2") == (FIRST, Why.TIE_BREAK), "another account is not it"


def test_what_the_recipient_says_since_then_comes_before_an_earlier_pick() -> None:
    reaches = reach(FIRST), reach(SECOND, DEFAULT_TAG), reach(LAST)
    assert pick(*reaches, earlier=f"mimi://{LAST}/u/1") == (SECOND, Why.DEFAULT)


def test_in_a_group_nothing_counts_that_is_one_members_own() -> None:
    tagged = reach(FIRST), reach(SECOND, DEFAULT_TAG), reach(LAST, "Choir")
    assert pick(*tagged, group="Choir", tags=("Work",), own=(FIRST,), earlier=f"mimi://{FIRST}/u/1") == (
        LAST,
        Why.TAG,
    )
    reaches = [reach(msp) for msp in MSPS]
    own = {"own": (LAST,), "earlier": f"mimi://{LAST}/u/1"}
    assert pick(*reaches, group="Choir", **own) == (FIRST, Why.TIE_BREAK)  # type: ignore[arg-type]  # as `pick`


def test_what_is_vouched_for_best_comes_first_and_the_least_is_the_senders() -> None:
    low, middle = Assurance.ASSERTED, Assurance.VALIDATED
    reaches = reach(FIRST, level=low), reach(SECOND, level=low), reach(LAST, level=middle)
    assert pick(*reaches, own=(FIRST,)) == (LAST, Why.TIE_BREAK), "an MSP's bare word swallows no messages"
    assert [one.msp for one in choose(answer(*reaches)).candidates] == [LAST, FIRST, SECOND]
    assert pick(*reaches, least=middle) == (LAST, Why.ONLY_ONE)
    assert pick(*reaches, least=Assurance.AUTHORIZED) == ("", Why.NOBODY)
    assert pick(reach(FIRST, level=low), reach(SECOND, level=low)) == (FIRST, Why.TIE_BREAK)
    assert pick(*reaches[:2], earlier=f"mimi://{SECOND}/u/1") == (SECOND, Why.KEPT)


@pytest.mark.parametrize("more", [Assurance.VALIDATED, Assurance.AUTHORIZED])
def test_a_bare_word_is_kept_only_while_nobody_in_the_pool_is_vouched_for(more: Assurance) -> None:
    low, earlier = Assurance.ASSERTED, f"mimi://{FIRST}/u/1"
    bare = reach(FIRST, level=low), reach(SECOND, level=low)
    assert pick(*bare, earlier=earlier) == (FIRST, Why.KEPT)
    assert pick(*bare, reach(LAST, level=more), earlier=earlier, own=(FIRST,)) == (LAST, Why.TIE_BREAK)
    tagged = reach(FIRST, "Work", level=low), reach(SECOND, "Work", level=low), reach(LAST, level=more)
    assert pick(*tagged, earlier=earlier, tags=("Work",)) == (FIRST, Why.KEPT), "the recipient asks for it"
    both = reach(FIRST, "Work", level=low), reach(LAST, "Work", level=more)
    assert pick(*both, earlier=earlier, tags=("Work",)) == (LAST, Why.TIE_BREAK)


def test_an_earlier_pick_that_is_vouched_for_stays_whoever_is_vouched_for_better() -> None:
    """In another tree, say, in which the recipient has a mapping."""
    reaches = reach(FIRST), reach(LAST, level=Assurance.VALIDATED), reach(SECOND, level=Assurance.ASSERTED)
    assert pick(*reaches, earlier=f"mimi://{LAST}/u/1", own=(FIRST,)) == (LAST, Why.KEPT)
    assert pick(*reaches, earlier=f"mimi://{SECOND}/u/1") == (FIRST, Why.TIE_BREAK)


def test_a_silence_matters_that_could_be_vouched_for_better_than_a_bare_earlier_pick() -> None:
    silent = (Row(LAST, Role.MSP, Standing.UNREACHABLE),)
    bare = replace(SOUND, reaches=(reach(FIRST, level=Assurance.ASSERTED),), rows=silent, complete=False)
    context = Context(earlier=f"mimi://{FIRST}/u/1")
    assert choose(bare, context).unsure == ()
    assert choose(replace(bare, recipient=bytes(32)), context).unsure == (LAST,)


def test_an_answer_that_is_incomplete_and_does_not_say_why_leaves_no_pick_sure() -> None:
    assert choose(replace(SOUND, complete=False)).unsure == (".",)
    assert choose(replace(SOUND, complete=False, rows=())).unsure == (".",)
    one = in_tree(replace(SOUND, rows=(Row(LAST, Role.VALIDATOR, Standing.MISSING),), complete=False), bytes(16))
    two = in_tree(replace(SOUND, complete=False), bytes([1] * 16))
    assert choose(one).unsure == (LAST,)
    assert choose(merged(one, two)).unsure == (".", LAST)


@pytest.mark.parametrize("word", ["Alpha.example", "alpha.example.", "alpha", "", ".", "ä.example", "a b.example"])
def test_own_services_are_named_as_authorities_are(word: str) -> None:
    for group in ("", "Choir"):
        with pytest.raises(ValueError, match=r"authority|label|name|root zone"):
            choose(answer(reach(FIRST)), Context(group=group), (SECOND, word))


def test_a_silence_that_could_have_made_another_pick_is_named() -> None:
    silent = tuple(Row(msp, Role.MSP, Standing.UNREACHABLE) for msp in (FIRST, LAST))
    low = replace(SOUND, reaches=(reach(SECOND, level=Assurance.ASSERTED),), rows=silent, complete=False)
    both = tuple(sorted((FIRST, LAST)))
    assert choose(low).unsure == (FIRST,), "of bare claims the first in the order would be picked"
    assert choose(low, Context(least=Assurance.VALIDATED)) == Choice(None, Why.NOBODY, ())
    assert choose(low, Context(earlier=f"mimi://{LAST}/u/1")).unsure == both, "one would be kept"
    assert choose(low, Context(earlier=f"mimi://{SECOND}/u/1")).unsure == ()
    assert choose(low, own_services=(LAST,)).unsure == both
    assert choose(low, own_services=(SECOND,)).unsure == ()
    assert choose(replace(low, recipient=bytes(32))).unsure == both, "either could be vouched for"
    spoken = tuple(replace(row, standing=Standing.DENIED) for row in silent)
    assert choose(replace(low, rows=(FOUND, *spoken), complete=True)).unsure == ()


def test_of_silent_msps_only_those_count_that_the_recipient_lists() -> None:
    tags: dict[str, tuple[str, ...]] = {FIRST: ("Work",), SECOND: (), THIRD: (DEFAULT_TAG,)}
    entries = tuple(MappingEntry(msp, tags[msp]) for msp in sorted(tags))
    mapping = Mapping(life(Kind.MAPPING), CSI.owner, key("ann").public, entries)
    silent = tuple(Row(msp, Role.MSP, Standing.MISSING) for msp in (FIRST, THIRD, LAST))
    found = replace(SOUND, reaches=(reach(SECOND),), rows=silent, mapping=mapping, recipient=mapping.recipient)
    listed = tuple(sorted((FIRST, THIRD)))
    assert choose(found).unsure == choose(found, Context(tags=("Work",))).unsure == listed
    assert choose(found, Context(earlier=f"mimi://{SECOND}/u/1")).unsure == (THIRD,)
    bare = replace(found, reaches=(reach(SECOND, level=Assurance.ASSERTED),))
    assert choose(bare).unsure == listed, "the last would be withheld, whoever vouches for it"
    heard = replace(found, reaches=(reach(SECOND), reach(THIRD, DEFAULT_TAG)), rows=silent[::2])
    assert choose(heard).unsure == ()


def test_who_stands_beside_a_mapping_without_being_listed_wins_nothing() -> None:
    """While a validator is silent an MSP that names a stranger is neither withheld nor below the others."""
    entries = tuple(MappingEntry(msp) for msp in sorted((SECOND, THIRD)))
    mapping = Mapping(life(Kind.MAPPING), CSI.owner, key("ann").public, entries)
    bare = [reach(msp, level=Assurance.ASSERTED) for msp in (FIRST, SECOND, THIRD)]
    found = replace(SOUND, reaches=tuple(bare), mapping=mapping, recipient=mapping.recipient)
    assert picked(choose(found)) == (SECOND, Why.TIE_BREAK)
    assert picked(choose(found, own_services=(FIRST,))) == (SECOND, Why.TIE_BREAK)
    assert picked(choose(found, Context(earlier=f"mimi://{FIRST}/u/1"))) == (FIRST, Why.KEPT), (
        "silence moves nothing"
    )
    assert choose(found).candidates == tuple(bare)
    assert picked(choose(replace(found, reaches=(bare[0],)))) == (FIRST, Why.ONLY_ONE)


def test_without_a_validator_or_a_zone_no_pick_is_sure() -> None:
    rows = Row("check.example", Role.VALIDATOR, Standing.MISSING), Row("reg.example", Role.REGISTRY, Standing.STALE)
    choice = choose(replace(SOUND, rows=rows, complete=False))
    assert choice.unsure == ("check.example", "reg.example")
    assert choice.why is Why.ONLY_ONE


@pytest.mark.parametrize("word", ["two words", "", "ü", DEFAULT_TAG, SAME_SERVICE_TAG, "a" * 25])
def test_words_that_nobody_selects_by(word: str) -> None:
    with pytest.raises(MalformedError):
        Context(tags=(word,))
    if word:
        with pytest.raises(MalformedError):
            Context(group=word)


def test_the_tie_break_is_a_digest_that_anybody_can_compute() -> None:
    wire = b"".join(bytes((1,)) + digit.encode() for digit in "32105555141") + b"\4e164\0"
    assert tie_break(CSI.owner, "alpha.example") == hashlib.sha256(wire + b"alpha.example").digest()


def test_the_tie_break_favours_no_msp() -> None:
    people = [parse(f"+1415555{number:04}") for number in range(1_000)]
    firsts = Counter(min(MSPS, key=lambda msp: tie_break(csi.owner, msp)) for csi in people)
    assert set(firsts) == set(MSPS)
    assert all(200 < count < 300 for count in firsts.values()), firsts  # 250 and six times 14


# --- properties --------------------------------------------------------------------------------------------

_tags = (
    st.just(())
    | st.just((DEFAULT_TAG,))
    | st.sets(st.sampled_from(["Work", "Choir", SAME_SERVICE_TAG])).map(lambda words: tuple(sorted(words)))
)
_reaches = st.lists(
    st.builds(
        lambda msp, tags, level: reach(msp, *tags, level=level),
        st.sampled_from(MSPS),
        _tags,
        st.sampled_from(Assurance),
    ),
    max_size=4,
    unique_by=lambda one: one.msp,
)
_own = st.lists(st.sampled_from([*MSPS, "other.example"]), unique=True).map(tuple)
_contexts = st.builds(
    Context,
    st.lists(st.sampled_from(["Work", "Choir", "Family"]), max_size=2, unique=True).map(tuple),
    st.sampled_from(["", "Choir", "Family"]),
    st.sampled_from(Assurance),
    st.sampled_from(["", *(f"mimi://{msp}/u/1" for msp in MSPS)]),
)


@given(_reaches, _contexts, _own, st.randoms(use_true_random=False))
def test_the_order_of_reaches_changes_nothing(
    reaches: list[Reach], context: Context, own: tuple[str, ...], rng: object
) -> None:
    shuffled = reaches[:]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert choose(answer(*shuffled), context, own) == choose(answer(*reaches), context, own)


@given(_reaches, _contexts, _own)
def test_the_pick_is_a_candidate_and_a_candidate_is_in_the_answer(
    reaches: list[Reach], context: Context, own: tuple[str, ...]
) -> None:
    choice = choose(answer(*reaches), context, own)
    assert set(choice.candidates) <= set(reaches)
    assert (choice.pick is None) == (choice.candidates == ()) == (choice.why is Why.NOBODY)
    assert choice.pick is None or choice.pick in choice.candidates
    assert not choice.tag or (choice.pick is not None and choice.tag in choice.pick.tags)
    assert choice.candidates == choose(answer(*reaches), Context(least=context.least)).candidates


@given(_reaches, _contexts, _own)
def test_what_was_picked_is_picked_again(reaches: list[Reach], context: Context, own: tuple[str, ...]) -> None:
    first = choose(answer(*reaches), context, own).pick
    if first is not None:
        again = replace(context, earlier=first.ssi)
        assert choose(answer(*reaches), again, own).pick == first


@given(_reaches, _contexts, _own, st.sampled_from(Assurance))
def test_who_is_not_unsure_could_not_have_been_picked(
    reaches: list[Reach], context: Context, own: tuple[str, ...], level: Assurance
) -> None:
    heard = [one for one in reaches if one.msp != FIRST]
    silent = replace(answer(*heard), rows=(Row(FIRST, Role.MSP, Standing.MISSING),), recipient=bytes(32))
    choice = choose(silent, context, own)
    assert choice.unsure in {(), (FIRST,)}
    if not choice.unsure:
        least = min(level, Assurance.VALIDATED, key=lambda one: ASSURANCE_ORDER[one])  # there is no mapping
        said = choose(answer(*heard, reach(FIRST, level=least)), context, own)
        assert said.pick == choice.pick


@given(_reaches, _contexts, _contexts, _own, _own)
def test_members_of_a_group_come_to_the_same_pick(
    reaches: list[Reach], mine: Context, theirs: Context, own: tuple[str, ...], other: tuple[str, ...]
) -> None:
    group = replace(mine, group="Choir"), replace(theirs, group="Choir", least=mine.least)
    assert choose(answer(*reaches), group[0], own) == choose(answer(*reaches), group[1], other)


@given(_reaches, _contexts, _own, st.sampled_from(Assurance))
def test_an_msp_without_tags_changes_no_pick_while_there_is_a_default(
    reaches: list[Reach], context: Context, own: tuple[str, ...], level: Assurance
) -> None:
    theirs = [one for one in reaches if one.msp != FIRST and one.tags != (DEFAULT_TAG,)]
    theirs.append(reach("omega.example", DEFAULT_TAG))
    before = choose(answer(*theirs), context, own).pick
    assert choose(answer(*theirs, reach(FIRST, level=level)), context, (*own, FIRST)).pick == before


@given(_reaches, _contexts, _own, st.sampled_from(Assurance))
def test_an_msp_that_is_added_changes_no_pick_that_was_made_but_of_a_bare_word(
    reaches: list[Reach], context: Context, own: tuple[str, ...], level: Assurance
) -> None:
    theirs = [one for one in reaches if one.msp != FIRST]
    context = replace(context, group="")
    before = choose(answer(*theirs), context, own).pick
    if before is not None:
        kept = replace(context, earlier=before.ssi)
        then = choose(answer(*theirs, reach(FIRST, level=level)), kept, (FIRST, *own)).pick
        is_overtaken = before.assurance is Assurance.ASSERTED and level is not Assurance.ASSERTED
        assert then == before or (is_overtaken and then is not None and then.msp == FIRST)


@given(_reaches, st.sampled_from(Assurance))
def test_a_demand_takes_out_what_is_below_it_and_says_so(reaches: list[Reach], least: Assurance) -> None:
    whole = answer(*reaches)
    demanded = demanding(whole, least)
    assert {*demanded.reaches, *demanded.left_out} == set(reaches)
    assert choose(demanded) == choose(whole, Context(least=least))
    assert demanding(demanded, least).reaches == demanded.reaches
    if demanded.left_out:
        assert demanded.outcome is (Outcome.FOUND if demanded.reaches else Outcome.NONE)
        assert demanding(replace(whole, complete=False), least).outcome in {Outcome.FOUND, Outcome.INCOMPLETE}
