"""Explaining and drawing whatever was shown: nothing is left out, nothing strange passes, nothing overlaps."""

from dataclasses import replace
from functools import cache
from html import unescape
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.explain.boxes import draw
from resolver.explain.layout import COLUMNS, WIDTH, Layout, lay_out
from resolver.explain.lines import Case, Mark
from resolver.explain.sections import explain
from resolver.explain.svg import picture
from resolver.explain.text import text_of
from resolver.explain.words import GROUNDS, plain
from tests.fingerpost.verify.scenes import Kept, keep
from tests.zonedata.builders import anchor as other_anchor
from zonedata.findings import Ground
from zonedata.kinds import Kind
from zonedata.opening import Refusal, Step

SVG = "{http://www.w3.org/2000/svg}"
REGISTRY = """
registry numbers.example +44
delegate . +44 numbers.example registry
delegate . +44 gamma.example msp
delegate . +4 check.example validator
roles check.example validator
delegate numbers.example +44 beta.example msp
delegate numbers.example +4420 alpha.example msp
holds alpha.example +442079460123 u/1 ann
holds gamma.example +442079460123 u/3
maps ann +442079460123 alpha.example
validates check.example +442079460123 ann
of +442079460123
"""
MAIL = """
delegate . @example.com alpha.example msp deep
delegate . @example.com beta.example msp
delegate . @com gamma.example msp
delegate . @ delta.example msp deep
terminate . @example.com
of alice@mail.example.com
"""
HOSTILE = "</text><script>alert(1)</script>&\"'\x1b[2J\x00\u202e]]>"


@cache
def kept(scenario: str) -> Kept:
    return keep(scenario)


def parties(count: int) -> str:
    """A scenario with so many MSPs, at four nodes."""
    grants = [f"delegate . +{'1415'[: 1 + n % 4]} p{n:02}.example msp" for n in range(count)]
    return "\n".join(["", *grants, "holds p00.example +14155550123 u/1", "of +14155550123"])


def parsed(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - it is ours, and without a document type


def text(case: Case) -> str:
    return text_of(case, explain(case), "b.bundle")


def joined(case: Case) -> str:
    return " ".join(text(case).split())


def test_every_party_is_in_the_words_and_in_the_picture() -> None:
    case = kept(REGISTRY).case()
    drawn = parsed(picture(case))
    shown = " ".join(drawn.itertext())
    for name in ("numbers.example", "alpha.example", "beta.example", "gamma.example", "check.example"):
        assert name in text(case)
        assert name in shown
    for word in ("ASSERTION", "DENIAL", "VALIDATION", "MAPPING", "Gap", "Delegation +4420", "anchor.pem"):
        assert word in shown
    assert "mimi://alpha.example/u/1" in shown
    title, description = drawn.find(f"{SVG}title"), drawn.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == "+442079460123: found, complete, verified"
    assert "Reachable: mimi://alpha.example/u/1 by alpha.example, authorized" in str(description.text)
    assert drawn.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_what_a_grant_means_is_said() -> None:
    said = joined(kept(MAIL).case())
    assert "Delegation at @example.com (terminating: what is delegated further up does not count)" in said
    assert "alpha.example as msp, also below: reaches the identifier" in said
    assert "beta.example as msp: does not reach below its own node" in said
    assert "gamma.example as msp: does not count: a node further down is terminating" in said
    assert "delta.example as msp, also below: does not count: a node further down is terminating" in said
    drawn = picture(kept(MAIL).case())
    assert "1 that do not count here" in drawn
    assert "beta.example is bound" not in drawn


def test_whatever_is_left_out_or_spoilt_is_explained() -> None:
    """Each statement in turn withheld, and spoilt: the judgement's words all stand, and nothing breaks."""
    whole = kept(REGISTRY)
    for at, wire in enumerate(whole.bundle.shown):
        for other in ((), (wire[:-1],), (wire[:-1] + bytes((wire[-1] ^ 1,)),), (b"",)):
            shown = (*whole.bundle.shown[:at], *other, *whole.bundle.shown[at + 1 :])
            case = Kept(replace(whole.bundle, shown=shown), whole.anchors).case()
            said, drawn = joined(case), unescape(picture(case))
            parsed(picture(case))
            for finding in case.account.judgement.findings:
                assert finding.authority in said
                if finding.role != "registry":
                    assert f"{finding.authority} as {finding.role} is {finding.standing}" in said
                    assert finding.authority in drawn
                elif not finding.standing.is_proven:
                    assert f"{finding.authority} as registry is {finding.standing}" in said
            for refusal in case.account.judgement.refusals:
                assert " ".join(refusal.why.split()) in said
                assert f"Refused at step {int(refusal.step)}" in drawn
            if not case.account.judgement.complete:
                assert "It is incomplete" in said


def test_what_is_not_shown_has_a_dashed_box() -> None:
    whole = kept(REGISTRY)

    def without(*kinds: Kind) -> Case:
        shown = tuple(wire for wire in whole.bundle.shown if wire[0] not in kinds)
        return Kept(replace(whole.bundle, shown=shown), whole.anchors).case()

    unbound = without(Kind.AUTHORITY)
    assert "gamma.example: who that is, the root owes to say, and it was not shown" in joined(unbound)
    assert any("did not show who it is" in line for box in draw(unbound).boxes for line in box.lines)
    undelegated = without(Kind.DELEGATION)
    assert "the gap names this delegation, and it was not shown" in joined(undelegated)
    assert "named by the gap, and not shown" in picture(undelegated)
    assert [box.title for box in draw(without(Kind.GAP)).boxes if box.mark is Mark.UNPROVEN] == ["Zone of the root"]


def test_a_name_that_no_zone_binds_is_told() -> None:
    scenario = """
delegate . +1 alpha.example msp
registry numbers.example +14
delegate . +14 numbers.example registry
above numbers.example ghost.example
delegate numbers.example +1415 ghost.example msp
of +14155550123
"""
    case = kept(scenario).case()
    assert "ghost.example: granted as msp, but no zone binds it" in joined(case)
    assert "granted, but no zone binds it" in picture(case)


def test_strange_text_does_no_harm() -> None:
    case = kept(REGISTRY).case()
    judgement = case.account.judgement
    refusal = Refusal(Step.BODY, None, HOSTILE, HOSTILE)
    account = replace(case.account, judgement=replace(judgement, refusals=[refusal]), refusals=(refusal,))
    strange = Case(replace(case.bundle, resolver=HOSTILE), account, HOSTILE, case.trust)
    drawn = picture(strange)
    assert drawn.isascii()
    root = parsed(drawn)
    known = {"svg", "title", "desc", "style", "rect", "text", "g", "path"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == known
    assert not [
        name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name
    ]
    assert "alert(1)" in " ".join(root.itertext())
    told = text_of(strange, explain(strange), HOSTILE)
    assert all(character.isprintable() or character == "\n" for character in told)


@given(st.text())
def test_what_is_shown_of_any_text_is_printable(said: str) -> None:
    assert plain(said).isprintable()
    assert len(plain(said)) == len(said)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 10, 11, 64])
def test_nothing_in_the_picture_overlaps(count: int) -> None:
    layout = lay_out(draw(kept(parties(count)).case()))
    assert len(layout.boxes) >= 3 + 3 * count
    check_places(layout)


def test_nothing_overlaps_with_registries_and_refusals() -> None:
    whole = kept(REGISTRY)
    spoilt = tuple(wire[:-1] for wire in whole.bundle.shown)
    for shown in (whole.bundle.shown, spoilt):
        check_places(lay_out(draw(Kept(replace(whole.bundle, shown=shown), whole.anchors).case())))


def check_places(layout: Layout) -> None:
    for box in layout.boxes:
        assert box.x >= 0
        assert box.x + WIDTH <= layout.width
        assert box.y >= 0
        assert box.y + box.height <= layout.height
        assert all(len(line) <= COLUMNS for line in (box.title, *box.lines))
    for one, other in combinations(layout.boxes, 2):
        is_beside = one.x + WIDTH <= other.x or other.x + WIDTH <= one.x
        assert is_beside or one.y + one.height <= other.y or other.y + other.height <= one.y
    for way in layout.ways:
        for (x1, y1), (x2, y2) in zip(way.points, way.points[1:], strict=False):
            assert x1 == x2 or y1 == y2
            for box in layout.boxes:
                inside_x = max(x1, x2) > box.x and min(x1, x2) < box.x + WIDTH
                inside_y = max(y1, y2) > box.y and min(y1, y2) < box.y + box.height
                assert not (inside_x and inside_y), (way, box)


def test_every_ground_has_words() -> None:
    assert set(GROUNDS) == set(Ground)


def test_how_the_anchor_caught_up_is_drawn_and_what_does_not_count_is_red() -> None:
    scenario = """
delegate . +1 alpha.example msp
rootkeys
rootkeys
of +14155550123
"""
    anchor, version, *_ = draw(kept(scenario).case()).boxes
    assert (version.title, version.lines[0]) == ("ROOTKEYS version 3", "by way of 2")
    assert {anchor.mark, version.mark} == {Mark.PROVEN}
    late = kept(scenario).case(kept(scenario).bundle.asked + 10**8)
    anchor, version, *_ = draw(late).boxes
    assert (anchor.mark, version.mark) == (Mark.NOTE, Mark.REFUSED)
    title = parsed(picture(late)).find(f"{SVG}title")
    assert title is not None
    assert title.text == "+14155550123: nothing found, incomplete, 2 refused"
    of_other = replace(late, trust=other_anchor())
    assert draw(of_other).boxes[0].mark is Mark.REFUSED
