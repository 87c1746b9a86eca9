"""The chain in words: the anchor and its versions, the zones on the way, who is bound by whom. Pure."""

from resolver.explain.lines import Case, Line, Mark
from resolver.fpdig.statement_text import key_text
from resolver.fpdig.words import MEANINGS, instant
from zonedata.account import Bearing, NodeAccount, PartyAccount, ZoneAccount
from zonedata.identifiers import node_to_text
from zonedata.kinds import RULES, Kind
from zonedata.names import Name
from zonedata.opening import Opened
from zonedata.standing import Standing
from zonedata.statements import Statement
from zonedata.trust import Trust
from zonedata.zone_statements import Grant

_BEARINGS = {
    Bearing.REACHES: "reaches the identifier",
    Bearing.BESIDE: "does not reach below its own node",
    Bearing.ENDED: "does not count: a node further down is terminating",
}


def anchor_lines(case: Case) -> list[Line]:
    """Tell which version of the root's keys is trusted, and how the bundle's lies to it."""
    given, caught_up, judged_by = case.trust, case.account.trust, case.bundle.trust
    lines = [_version(f"{case.anchor} holds", given, case)]
    lines += [
        Line(Mark.PROVEN, f"ROOTKEYS version {version} follows, signed by the one before and by its own keys")
        for version in range(given.rootkeys.version + 1, caught_up.rootkeys.version + 1)
    ]
    if caught_up is not given:
        lines.append(_version("It has caught up with", caught_up, case))
    wanted = judged_by.rootkeys.version
    if judged_by.tree != given.tree:
        text = f"The bundle was judged by another anchor, of the tree {judged_by.tree.hex()}"
        lines.append(Line(Mark.REFUSED, text, ["With this anchor nothing in it can be proven."]))
    elif caught_up.rootkeys.version < wanted:
        text = f"The bundle was judged by version {wanted}, and does not lead there from {given.rootkeys.version}"
        lines.append(Line(Mark.UNPROVEN, text, ["Get a newer anchor from the root's operator."]))
    elif given.rootkeys.version > wanted:
        below = ["What only older zone keys have signed does not verify any more."]
        lines.append(Line(Mark.NOTE, f"It is newer than version {wanted}, by which the bundle was judged", below))
    return lines


def _version(says: str, trust: Trust, case: Case) -> Line:
    rootkeys = trust.rootkeys
    why = rootkeys.life.refusal_at(case.account.now, RULES[Kind.ROOTKEYS].max_life)
    span = f"counts from {instant(rootkeys.life.issued)} to {instant(rootkeys.life.expires)}"
    below = [
        f"{rootkeys.threshold} of {len(rootkeys.root_keys)} root keys must sign the next version",
        *(f"zone key {key.key_id.hex()}" for key in rootkeys.zone_keys),
    ]
    if why is None:
        return Line(Mark.PROVEN, f"{says} ROOTKEYS version {rootkeys.version}, which {span}", below)
    text = f"{says} ROOTKEYS version {rootkeys.version}, which does not count then: {why}"
    return Line(Mark.REFUSED, text, [f"It {span}.", *below])


def zone_title(zone: ZoneAccount) -> str:
    """Name a zone, and say where it was granted by whom."""
    if not zone.zone.above:
        return "The root"
    by = zone.zone.above[-1].signer.name
    return f"{zone.name}, a registry at {node_to_text(zone.zone.node)} by the word of {_whom(by)}"


def _whom(zone: str) -> str:
    return "the root" if zone == "." else zone


def zone_lines(zone: ZoneAccount, case: Case) -> list[Line]:
    """Tell what a zone shows of the way: its gap and its delegations."""
    binding = [until_text("its binding is", zone.binding)] if zone.binding is not None else []
    if zone.is_shown:
        lines = [Line(Mark.PROVEN, zone_title(zone), binding)]
    else:
        row = case.account.why_silent(zone)
        word = row.standing if row is not None else Standing.MISSING
        text = f"{zone_title(zone)}: not all that it owes was shown ({word}: {MEANINGS[word]})"
        lines = [Line(Mark.UNPROVEN, text, binding)]
    if zone.gap is not None:
        counted = [node_to_text(node.node) for node in zone.nodes]
        named = f"delegates at {', '.join(counted)} and nowhere else" if counted else "delegates nothing"
        span = gap_text(zone.gap.statement.first, zone.gap.statement.next)
        text = f"Its gap {span} holds {case.bundle.csi.text}: on the way there it {named}"
        lines.append(Line(Mark.PROVEN, text, [until_text("the gap is", zone.gap)]))
    return lines + [_node(node) for node in zone.nodes]


def gap_text(first: Name, following: Name) -> str:
    """Write the span of a gap."""
    start = node_to_text(first) if first else "the beginning"
    return f"from {start} to {node_to_text(following) if following else 'the end'}"


def _node(node: NodeAccount) -> Line:
    where = node_to_text(node.node)
    if node.opened is None:
        return Line(Mark.UNPROVEN, f"{where}: the gap names this delegation, and it was not shown")
    grants = [f"{grant_text(one.grant)}: {_BEARINGS[one.bearing]}" for one in node.grants]
    ends = (
        " (terminating: what is delegated further up does not count)" if node.opened.statement.terminating else ""
    )
    return Line(Mark.PROVEN, f"Delegation at {where}{ends}", [*grants, until_text("it is", node.opened)])


def grant_text(grant: Grant) -> str:
    """Write a grant."""
    demands = f", {grant.required} at least" if grant.required != "asserted" else ""
    return f"{grant.authority} as {', '.join(grant.roles)}{demands}{', also below' if grant.deep else ''}"


def until_text(what: str, opened: Opened[Statement]) -> str:
    """Say by which key something is signed and until when it counts."""
    return f"{what} signed by key {opened.key_id.hex()}, and counts until {instant(int(opened.until))}"


def binding_lines(party: PartyAccount) -> list[Line]:
    """Tell who says who an authority is."""
    lines = []
    for zone, opened in party.bindings:
        keys = [key_text(key) for key in opened.statement.keys]
        lines.append(
            Line(Mark.PROVEN, f"{party.name} is bound by {_whom(zone)}", [*keys, until_text("that is", opened)])
        )
    roles = ", ".join(party.unbound)
    if roles:
        lines.append(Line(Mark.UNPROVEN, f"{party.name}: granted as {roles}, but no zone binds it"))
    return lines + [
        Line(Mark.UNPROVEN, f"{party.name}: who that is, {_whom(zone)} owes to say, and it was not shown")
        for zone in party.wanted
    ]
