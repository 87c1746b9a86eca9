"""What a sender demands beyond what the delegations do. Pure."""

from dataclasses import replace
from functools import reduce

from resolver.answer import Answer, InTree
from resolver.federation import merged
from zonedata.judgement import Outcome
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Role
from zonedata.standing import Standing


def demanding(answer: Answer, least: Assurance) -> Answer:
    """Return an answer as if every delegation demanded at least this assurance.

    What is vouched for less well is no longer among the reaches but in `left_out`, the row of its MSP says
    `insufficient`, and where nothing else was found the outcome is `none`, or `incomplete` if it is not proven how
    all others stand: one of them may be the validator that would have vouched.

    Where there are several trees it is demanded of each, so that what one of them finds, leaves open or says of the
    recipient's wish not to be found stays what it is beside the others.
    """
    if not answer.trees:
        return _demanding(answer, least)
    return reduce(merged, [_in_one(answer, word, least) for word in answer.trees])


def _in_one(answer: Answer, word: InTree, least: Assurance) -> Answer:
    """Return what one tree comes to, of an answer of several."""
    alone = replace(
        answer,
        outcome=word.outcome,
        complete=word.complete,
        reaches=tuple([reach for reach in answer.reaches if reach.tree == word.tree]),
        rows=tuple([row for row in answer.rows if row.tree == word.tree]),
        left_out=tuple([reach for reach in answer.left_out if reach.tree == word.tree]),
    )
    demanded = _demanding(alone, least)
    return replace(demanded, trees=(replace(word, outcome=demanded.outcome),))


def _demanding(answer: Answer, least: Assurance) -> Answer:
    floor = ASSURANCE_ORDER[least]
    left_out = tuple([reach for reach in answer.reaches if ASSURANCE_ORDER[reach.assurance] < floor])
    if not left_out:
        return answer
    reaches = tuple([reach for reach in answer.reaches if reach not in left_out])
    below = {reach.msp for reach in left_out} - {reach.msp for reach in reaches}
    rows = tuple(
        replace(row, standing=Standing.INSUFFICIENT)
        if row.role is Role.MSP and row.standing is Standing.ASSERTED and row.authority in below
        else row
        for row in answer.rows
    )
    outcome = answer.outcome
    if not reaches:
        outcome = Outcome.NONE if answer.complete else Outcome.INCOMPLETE
    return replace(answer, outcome=outcome, reaches=reaches, rows=rows, left_out=(*answer.left_out, *left_out))
