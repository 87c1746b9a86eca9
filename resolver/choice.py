"""Which of a person's services to use: the recipient's signed preference, carried out. Pure.

The recipient's word leads, because the recipient is not there when the sender asks (docs/protocol.md section 11).
In this order, the first that leaves somebody:

1. what has a tag that the sender selects by, in the sender's order;
2. what is tagged `SameService`, where the sender has an account there; the one tagged `Default` takes part, since
   it can have no second tag;
3. what is tagged `Default`;
4. everybody, the best vouched for first.

Where that leaves several, the earlier pick is kept if it is among them; then the first of the sender's own services
counts; then the tie-break. An earlier pick is so kept for as long as neither recipient nor sender says otherwise.
But what is `asserted` only, an MSP's bare word, is not kept beside anybody who is more: it was picked when nobody
knew better. Between `validated` and `authorized` an earlier pick stays: a validator vouches for both.

The tie-break is SHA-256 over the owner name and the MSP's name, the lowest first. Every sender finds the same
order, over all people each MSP comes first as often as any other, and an MSP that is added leaves the order of the
others as it was. What MSPs say of themselves, features too, counts for nothing.

What could not be asked is in no answer, so it is not picked. `Choice.unsure` says whose silence could matter.

A group's members all come to the same pick: with `Context.group` set, nothing counts that is one member's own.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from resolver.answer import Answer, Reach
from zonedata import names
from zonedata.errors import MalformedError
from zonedata.fields import check_authority
from zonedata.kinds import ASSURANCE_ORDER, Assurance, Role
from zonedata.names import Name
from zonedata.recipient_statements import DEFAULT_TAG, SAME_SERVICE_TAG, tag


class Why(StrEnum):
    """What decided."""

    NOBODY = "nobody"  # no reach that is vouched for well enough
    ONLY_ONE = "only-one"
    TAG = "tag"  # one that the sender selects by
    SAME_SERVICE = "same-service"  # the sender has an account there, and the recipient leaves it to that
    DEFAULT = "default"
    KEPT = "kept"  # the earlier pick, where the recipient leaves several
    TIE_BREAK = "tie-break"


@dataclass(frozen=True, slots=True)
class Context:
    """For what a reach is wanted.

    Attributes:
        tags: Words that the sender selects by, such as `Business`, the most wanted first.
        group: The tag that the members of a group share, "" outside of a group. In a group `tags`, `earlier` and
            own services do not count, for they differ from member to member.
        least: How well a reach must be vouched for. To be the same for all members of a group.
        earlier: The `ssi` of an earlier pick for this CSI, "" for none.

    Raises:
        MalformedError: A word cannot be a tag, or is one that nobody selects by (`Default`, `SameService`).
    """

    tags: tuple[str, ...] = ()
    group: str = ""
    least: Assurance = Assurance.ASSERTED
    earlier: str = ""

    def __post_init__(self) -> None:
        for word in (*self.tags, *([self.group] if self.group else [])):
            if tag(word) in {DEFAULT_TAG, SAME_SERVICE_TAG}:
                raise MalformedError(f"{word} has a meaning of its own: no sender selects by it")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was picked.

    Attributes:
        pick: The reach to use, or None.
        why: What decided.
        candidates: All that are vouched for well enough, in the order that all senders find: the best vouched for
            first, then as the tie-break has it.
        tag: The tag that the pick was selected by, or "".
        unsure: Authorities that are not proven to have spoken, and with whose word the pick could be another: the
            MSPs that would be picked if they said that the person is there, and whoever is no MSP. The root (".")
            where an answer, or what one tree came to, is incomplete and names nobody. A sender that
            has an earlier pick stays with it while there are any, or asks them (`client.complete_directly`); else
            whoever keeps an MSP from being heard could move the messages elsewhere.
    """

    pick: Reach | None
    why: Why
    candidates: tuple[Reach, ...]
    tag: str = ""
    unsure: tuple[str, ...] = ()


_ANY = Context()


def choose(answer: Answer, context: Context = _ANY, own_services: Iterable[str] = ()) -> Choice:
    """Pick one of the reaches of an answer.

    It verifies nothing: whether the answer was verified, and whether it is complete, stands in the answer.

    Args:
        answer: Of a look-up.
        context: For what it is wanted.
        own_services: MSPs that the sender has an account at, the most used first, named as authorities are: lower
            case, A-labels, no final dot.

    Raises:
        MalformedError: One of these is no such name, so that it could never count.
    """
    own_services = [check_authority(msp) for msp in own_services]
    if context.group:
        context, own_services = Context((context.group,), least=context.least), []
    wants = _Wants(context, {msp: at for at, msp in reversed([*enumerate(own_services)])})
    candidates = _ordered(answer.csi.owner, context.least, answer.reaches)
    pick, why, word = wants.decide(_listed(answer, candidates, context.earlier))
    return Choice(pick, why, candidates, word, _unsure(answer, candidates, wants))


def tie_break(owner: Name, msp: str) -> bytes:
    """Return the digest of an MSP for one CSI; the lowest comes first."""
    return hashlib.sha256(names.to_wire(owner, names.ROOT) + msp.encode("ascii")).digest()


def _ordered(owner: Name, least: Assurance, reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    """Return what is vouched for well enough; one MSP has one reach, but for namesakes in different zones."""
    floor = ASSURANCE_ORDER[least]
    good = [reach for reach in reaches if ASSURANCE_ORDER[reach.assurance] >= floor]
    good.sort(key=lambda reach: (-ASSURANCE_ORDER[reach.assurance], tie_break(owner, reach.msp), reach.ssi))
    return tuple(good)


def _listed(answer: Answer, candidates: tuple[Reach, ...], earlier: str) -> tuple[Reach, ...]:
    """Return those that the recipient lists, and the earlier pick; all, where the recipient lists none of them.

    An MSP that names somebody else may stand beside them while a validator is silent, and is not to win a tie.
    """
    mapping = answer.mapping
    if mapping is None or all(mapping.entry_for(reach.msp) is None for reach in candidates):
        return candidates
    return tuple(r for r in candidates if r.ssi == earlier or mapping.entry_for(r.msp) is not None)


def _unsure(answer: Answer, candidates: tuple[Reach, ...], wants: "_Wants") -> tuple[str, ...]:
    """Return whose missing word could have made another pick."""
    found = {names.to_text(names.ROOT)} if _is_unexplained(answer) else set()
    for row in answer.rows:
        if row.standing.is_proven:
            continue
        if row.role is Role.MSP:
            might = _might_say(answer, row.authority, wants.context.earlier)
            if might is None:
                continue
            with_it = _ordered(answer.csi.owner, wants.context.least, (*candidates, might))
            if wants.decide(_listed(answer, with_it, wants.context.earlier))[0] is not might:
                continue
        found.add(row.authority)
    return tuple(sorted(found))


def _is_unexplained(answer: Answer) -> bool:
    """Say whether something is incomplete and no row says why: no report was shown, or it was cut short."""
    parts = [(part.tree, part.complete) for part in answer.trees] or [("", answer.complete)]
    silent = {row.tree for row in answer.rows if not row.standing.is_proven}
    return any(not complete and tree not in silent for tree, complete in parts)


def _might_say(answer: Answer, msp: str, earlier: str) -> Reach | None:
    """Return the most that a silent MSP could have said; None where the recipient does not list it."""
    tags: tuple[str, ...] = ()
    level = Assurance.VALIDATED if answer.recipient else Assurance.ASSERTED
    if answer.mapping is not None:
        entry = answer.mapping.entry_for(msp)
        if entry is None:
            return None
        tags, level = entry.tags, Assurance.AUTHORIZED
    root = f"mimi://{msp}"
    ssi = earlier if earlier == root or earlier.startswith(f"{root}/") else root
    return Reach(msp, ssi, level, 0, (), tags)


@dataclass(frozen=True, slots=True)
class _Wants:
    """What a sender wants, and the place of each MSP among its own."""

    context: Context
    own: dict[str, int]

    def decide(self, candidates: tuple[Reach, ...]) -> tuple[Reach | None, Why, str]:
        """Pick one of the candidates in their order; return it, what decided, and by which of the sender's tags."""
        if not candidates:
            return None, Why.NOBODY, ""
        if len(candidates) == 1:
            return candidates[0], Why.ONLY_ONE, ""
        pool, why, word = self._pool(candidates)
        return (pool[0], why, word) if len(pool) == 1 else (*self._among(pool), word)

    def _pool(self, candidates: tuple[Reach, ...]) -> tuple[list[Reach], Why, str]:
        """Return whom the recipient's word leaves, and what decided if that is one."""
        for word in self.context.tags:
            if tagged := [reach for reach in candidates if word in reach.tags]:
                return tagged, Why.TAG, word
        default = [reach for reach in candidates if DEFAULT_TAG in reach.tags]
        if any(SAME_SERVICE_TAG in reach.tags for reach in candidates):
            meant = [r for r in candidates if r.msp in self.own and (SAME_SERVICE_TAG in r.tags or r in default)]
            if meant:
                return meant, Why.SAME_SERVICE, ""
        if default:
            return default, Why.DEFAULT, ""
        return [*candidates], Why.TIE_BREAK, ""

    def _among(self, pool: list[Reach]) -> tuple[Reach, Why]:
        """Decide between several that the recipient leaves; the best vouched for come first."""
        is_vouched_for = pool[0].assurance is not Assurance.ASSERTED
        for reach in pool:
            if is_vouched_for and reach.assurance is Assurance.ASSERTED:
                break  # a bare word is not kept beside more than that
            if self.context.earlier and reach.ssi == self.context.earlier:
                return reach, Why.KEPT
        best = [reach for reach in pool if reach.assurance is pool[0].assurance]
        ours = [reach for reach in best if reach.msp in self.own]
        if ours:
            return min(ours, key=lambda reach: self.own[reach.msp]), Why.SAME_SERVICE
        return best[0], Why.TIE_BREAK
