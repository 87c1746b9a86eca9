"""What several trees come to together. Pure.

Whoever merges gets the same from any order and any repetition: an answer is a set of what each tree came to, and
all else follows from the set. Nothing of one tree bears on another: each is weighed by itself, and what it comes to
stands beside the rest under its own id.
"""

from collections.abc import Iterable
from dataclasses import replace

from resolver.answer import Answer, InTree, Reach, Row
from resolver.cache import Found, Part
from zonedata.judgement import Judgement, Outcome
from zonedata.kinds import Role
from zonedata.names import Name
from zonedata.recipient_statements import Mapping
from zonedata.trust import Trust

# Found in one tree is found; and what one tree leaves open, no other settles.
_RANKS = {Outcome.NONE: 0, Outcome.OPTED_OUT: 1, Outcome.INCOMPLETE: 2, Outcome.FOUND: 3}
_BELIEF = {True: 0, None: 1, False: 2}  # of `Answer.verified`, the strongest last
MAX_REFUSED = 8  # envelopes kept of all trees, as of one


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what several outcomes come to."""
    return max(outcomes, key=_RANKS.__getitem__, default=Outcome.NONE)


def gathered(owner: Name, parts: Iterable[Part]) -> Found:
    """Put together what each tree that speaks for a CSI came to; complete only when every one of them is.

    Args:
        owner: The name asked about.
        parts: One for each tree, at least one, in any order.
    """
    ordered = tuple(sorted(parts, key=lambda part: part.tree))
    founds = [part.found for part in ordered]
    said = [found.judgement for found in founds]
    judgement = Judgement(
        owner,
        joined(judgement.outcome for judgement in said),
        all(judgement.complete for judgement in said),
        [finding for judgement in said for finding in judgement.findings],
        [refusal for judgement in said for refusal in judgement.refusals],
        [opened for judgement in said for opened in judgement.evidence],
    )
    refused = dict.fromkeys(octets for found in founds for octets in found.refused)
    keep, at = min(found.keep for found in founds), max(found.found for found in founds)
    return Found(judgement, tuple(refused)[:MAX_REFUSED], keep, at, ordered)


def others_of(trees: Iterable[bytes], *anchors: Trust) -> tuple[str, ...]:
    """Return the ids in hex of the trees that are none of the anchors'."""
    ours = {anchor.tree for anchor in anchors}
    return tuple(tree.hex() for tree in trees if tree not in ours)


def in_tree(answer: Answer, tree: bytes) -> Answer:
    """Return the answer of one tree as one of several, so that it can be merged."""
    text = tree.hex()
    word = InTree(text, answer.outcome, answer.complete, answer.recipient, answer.mapping)
    return replace(
        answer,
        reaches=tuple(replace(reach, tree=text) for reach in answer.reaches),
        rows=tuple(replace(row, tree=text) for row in answer.rows),
        left_out=tuple(replace(reach, tree=text) for reach in answer.left_out),
        trees=(word,),
    )


def merged(one: Answer, other: Answer) -> Answer:
    """Merge answers of trees to one question that came the same way: commutative, associative, idempotent."""
    trees = tuple(sorted({*one.trees, *other.trees}, key=_order_of_tree))
    recipient, mapping = _holder(trees)
    return replace(
        one,
        outcome=joined(word.outcome for word in trees),
        complete=all(word.complete for word in trees),
        verified=max(one.verified, other.verified, key=_BELIEF.__getitem__),
        reaches=_reaches(one.reaches, other.reaches),
        rows=tuple(sorted({*one.rows, *other.rows}, key=_order_of_row)),
        refusals=tuple(sorted({*one.refusals, *other.refusals}, key=repr)),
        trees=trees,
        recipient=recipient,
        mapping=mapping,
        left_out=_reaches(one.left_out, other.left_out),
    )


def _reaches(one: Iterable[Reach], other: Iterable[Reach]) -> tuple[Reach, ...]:
    return tuple(sorted({*one, *other}, key=lambda reach: (reach.tree, repr(reach))))


def _order_of_row(row: Row) -> tuple[str, bool, str, str, str]:
    """Order rows by tree, zones first, as one tree has them."""
    return row.tree, row.role is not Role.REGISTRY, row.authority, row.role, row.standing


def _order_of_tree(word: InTree) -> tuple[str, int, bool, bytes, str]:
    return word.tree, _RANKS[word.outcome], word.complete, word.recipient, repr(word.mapping)


def _holder(trees: Iterable[InTree]) -> tuple[bytes, Mapping | None]:
    """Return whose the CSI is by all trees that know it, with their newest mapping; nobody where they differ."""
    known = [word for word in trees if word.recipient]
    recipients = {word.recipient for word in known}
    if len(recipients) != 1:
        return b"", None
    mappings = [word.mapping for word in known if word.mapping is not None]
    newest = max(mappings, key=lambda mapping: (mapping.life.serial, repr(mapping)), default=None)
    return recipients.pop(), newest
