"""Scenarios as text: who delegates what to whom, who holds what, questions, time, and what must come of it.

registry numbers.example +44            a zone below the root, granted where a `delegate` line says so
delegate . +1 alpha.example msp         zone, node, authority, roles and options; binds the authority there
above numbers.example beta.example      the authority is bound further up: no keys in this zone
terminate . +1415
withdraw . +1 alpha.example             takes the grant back
holds alpha.example +14155550123 u/1    and `drops alpha.example +14155550123`; a word more is whose key it names
validates check.example +14155550123 ann   vouches for the key of `ann`; a number more is since when, from the start
forgets check.example +14155550123      vouches for nobody any more
maps ann +14155550123 alpha.example=Default beta.example=Business    also `new`, `released`; then `validates` anew
revokes csip.example +14155550123 5     what was said before 5 s from the start; a block ends in `*`
allows csip.example +14155550123        takes that back
block beta.example +1415555 11 0199     lengths, then exceptions, each parted by commas
scope beta.example +1                   where it answers; everywhere when nothing is said
roles csip.example csip
publish                                 signs everything anew
keep alpha.example OLD                  remembers the store it answers from by a name; `serve alpha.example OLD`
kill HOST, revive HOST, refuse HOST, slow HOST SECONDS, loss HOST PART, lie HOST HOW
encrypt alpha.example                   its servers offer TLS, too; comes before what binds it; `.` is the root
impostor alpha.example                  shows another key than is signed for it; `genuine alpha.example` again
plain no                                nothing is asked in plain DNS; `plain yes`
time SECONDS

ask +14155550123                        through the resolver; `walk` without it; indented lines must hold
  found complete verified               or none, incomplete; partial; unverified
  alpha.example msp asserted u/1
  alpha.example msp authorized u/1      asserted, and vouched for as well as that
  tags alpha.example Default
  case one-msp
  nobody | recipient ann                whose it is
  sent . alpha.example                  exactly who was asked, in any order; `sent` alone is nobody
  within 1.2                            virtual seconds
  over tls                              what was asked of others since the last question went over that alone
  asked . 5.1.4.1.e164.                 the names that one was asked about, in order; `sent` forgets them
  step 7                                at which something was refused
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import trio

from resolver.answer import Answer
from tests.world import START, World, Zone, key_of, pin_of_party, run_in
from transport.handler import Handler
from zonedata import identifiers, replies, wire
from zonedata.identifiers import parse
from zonedata.kinds import Role
from zonedata.listings import BlockListing, Listing
from zonedata.recipient_statements import recipient_of
from zonedata.revocations import RevocationLine
from zonedata.standing import Standing


class Story:
    """One scenario being played."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.above: set[tuple[str, str]] = set()
        self.answer: Answer | None = None
        self.took = 0.0
        self.checked: set[str] = set()
        self.kept: dict[tuple[str, str], Handler] = {}

    async def play(self, name: str, text: str) -> None:
        """Do and check line by line."""
        started = False
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.partition("#")[0]
            if not line.strip():
                continue
            words = line.split()
            try:
                if line.startswith(" "):
                    self.check(words)
                elif words[0] in {"ask", "walk"}:
                    if not started:
                        self.world.publish()
                        started = True
                    await self.ask(words)
                elif words[0] == "time":
                    await trio.sleep(float(words[1]))
                else:
                    getattr(self, f"do_{words[0]}")(*words[1:])
                self.world.check_cache()
            except Exception as error:
                raise AssertionError(f"{name}:{number}: {raw.strip()}: {error}") from error

    async def ask(self, words: list[str]) -> None:
        self.world.sent()
        start = trio.current_time()
        self.answer = await (self.world.ask(words[1]) if words[0] == "ask" else self.world.walk(words[1]))
        self.took = trio.current_time() - start

    # --- building --------------------------------------------------------------------------------------

    def do_registry(self, name: str, *nodes: str) -> None:
        self.world.zones[name] = Zone(name, list(nodes))

    def do_above(self, zone: str, authority: str) -> None:
        self.above.add((zone, authority))
        self.world.delegate(zone, f"above {authority}")

    def do_delegate(self, zone: str, node: str, authority: str, *rest: str) -> None:
        known = any(line.split()[:2] == ["server", authority] for line in self.world.zones[zone].lines)
        if not known and (zone, authority) not in self.above:
            self.world.zones[zone].lines += self.world.binding_lines(authority)
        self.world.delegate(zone, f"delegate {node} {authority} {' '.join(rest)}")
        if authority not in self.world.zones:
            self.world.holds.setdefault(authority, [])

    def do_terminate(self, zone: str, node: str) -> None:
        self.world.delegate(zone, f"terminate {node}")

    def do_withdraw(self, zone: str, node: str, authority: str) -> None:
        lines = self.world.zones[zone].lines
        gone = [line for line in lines if line.split()[:3] == ["delegate", node, authority]]
        assert gone, "nothing to withdraw"
        lines.remove(gone[0])

    def do_holds(self, authority: str, csi: str, ssi: str, whose: str = "") -> None:
        recipient = recipient_of(key_of(whose).public) if whose else b""
        listing = Listing(1, parse(csi).owner, f"mimi://{authority}/{ssi}", (), recipient)
        self.world.holds.setdefault(authority, []).append(listing)

    def do_drops(self, authority: str, csi: str) -> None:
        held, owner = self.world.holds[authority], parse(csi).owner
        gone = [m for m in held if isinstance(m, Listing) and m.owner == owner]
        assert gone, "nothing to drop"
        held.remove(gone[0])

    def do_validates(self, validator: str, csi: str, whose: str, since: str = "") -> None:
        self.world.validate(validator, csi, whose, float(since) if since else None)

    def do_forgets(self, validator: str, csi: str) -> None:
        self.world.registers[validator].forget(parse(csi).owner)

    def do_maps(self, whose: str, csi: str, *words: str) -> None:
        entries = [word for word in words if word not in {"new", "released"}]
        self.world.map(whose, csi, *entries, is_new="new" in words, is_released="released" in words)

    def do_revokes(self, csip: str, csi: str, before: str) -> None:
        is_block = csi.endswith("*")
        node = identifiers.node_from_text(csi[:-1]) if is_block else parse(csi).owner
        line = RevocationLine(1, node, is_block, int(START + float(before)), "reassigned")
        self.world.revocations.setdefault(csip, []).append(line)

    def do_allows(self, csip: str, csi: str) -> None:
        lines, owner = self.world.revocations[csip], parse(csi).owner
        self.world.revocations[csip] = [line for line in lines if line.node != owner]

    def do_block(self, authority: str, node: str, lengths: str, exceptions: str = "") -> None:
        block = BlockListing(
            1,
            identifiers.node_from_text(node),
            f"mimi://{authority}/u/{{number}}",
            tuple(int(n) for n in lengths.split(",")),
            tuple(exceptions.split(",")) if exceptions else (),
        )
        self.world.holds.setdefault(authority, []).append(block)

    def do_scope(self, authority: str, *nodes: str) -> None:
        self.world.scopes[authority] = list(nodes)

    def do_roles(self, authority: str, *roles: str) -> None:
        self.world.roles[authority] = tuple(Role(role) for role in roles)

    def do_publish(self) -> None:
        self.world.publish()

    def do_keep(self, party: str, name: str) -> None:
        self.kept[party, name] = self.world.host(party).handler

    def do_serve(self, party: str, name: str) -> None:
        self.world.host(party).handler = self.kept[party, name]

    def do_rootkeys(self) -> None:
        self.world.add_rootkeys()

    # --- trouble ---------------------------------------------------------------------------------------

    def do_kill(self, party: str) -> None:
        self.world.host(party).is_dead = True

    def do_revive(self, party: str) -> None:
        self.world.host(party).is_dead = False

    def do_refuse(self, party: str) -> None:
        self.world.host(party).is_refusing = True

    def do_slow(self, party: str, seconds: str) -> None:
        self.world.host(party).latency = float(seconds)

    def do_encrypt(self, *parties: str) -> None:
        self.world.encrypt(*parties)
        self.world.start_resolver()

    def do_plain(self, word: str) -> None:
        self.world.settings = replace(self.world.settings, allow_plain_upstream=word == "yes")
        self.world.start_resolver()

    def do_impostor(self, party: str) -> None:
        self.world.host(party).pin = bytes(32)

    def do_genuine(self, party: str) -> None:
        self.world.host(party).pin = pin_of_party(party)

    def do_loss(self, party: str, part: str) -> None:
        self.world.host(party).loss = float(part)

    def do_lie(self, party: str, how: str) -> None:
        self.world.host(party).lies = LIES[how]

    # --- checking --------------------------------------------------------------------------------------

    def check(self, words: list[str]) -> None:
        assert self.answer is not None
        answer = self.answer
        self.checked.add(words[0])
        match words:
            case ["sent", *parties]:
                sent = self.world.sent()
                assert Counter(sent) == Counter(parties), f"sent {' '.join(sent)}"
            case ["asked", host, *asked_names]:
                told = [packet.name for packet in self.world.network.packets if packet.host == host]
                assert [*dict.fromkeys(told)] == asked_names, told  # what was cut short is asked twice
            case ["over", *protocols]:
                asked = [packet for packet in self.world.network.packets if packet.host != "resolver"]
                assert {packet.protocol for packet in asked} == set(protocols), asked
            case ["within", seconds]:
                assert self.took <= float(seconds), f"took {self.took:.3f}"
            case ["step", step]:
                assert int(step) in {r.step for r in answer.refusals}, answer.refusals
            case ["rcode", rcode]:
                assert wire.Rcode(answer.rcode).name == rcode
            case ["ede", code]:
                assert int(code) in {code for code, _ in answer.errors}
            case [authority, role, standing, *ssi] if role in set(Role):
                rows = {(row.authority, row.role): row.standing for row in answer.rows}
                assert rows.get((authority, Role(role))) == (Standing.ASSERTED if ssi else standing), rows
                found = [(reach.ssi, reach.assurance) for reach in answer.reaches if reach.msp == authority]
                assert not ssi or found == [(f"mimi://{authority}/{ssi[0]}", standing)], found
            case _:
                self.check_whose(words, answer)

    def check_whose(self, words: list[str], answer: Answer) -> None:
        match words:
            case ["case", case]:
                assert answer.case == case, answer.case
            case ["recipient", whose]:
                assert answer.recipient == recipient_of(key_of(whose).public)
            case ["nobody"]:
                assert answer.recipient == b""
            case ["tags", msp, *tags]:
                assert [reach.tags for reach in answer.reaches if reach.msp == msp] == [tuple(tags)]
            case _:
                self.check_answer(words)

    def check_answer(self, words: list[str]) -> None:
        assert self.answer is not None
        said = {
            str(self.answer.outcome),
            "complete" if self.answer.complete else "partial",
            "verified" if self.answer.verified else "unverified",
        }
        assert set(words) <= said, f"is {' '.join(sorted(said))}; {self.answer.refusals} {self.answer.rows}"


def _flip(query: bytes, reply: bytes) -> list[bytes]:
    """One bit in the last octet of the first record that holds a statement."""
    question_end = replies.names_end(query, 12) + 4
    length = int.from_bytes(reply[question_end + 10 : question_end + 12], "big")
    at = question_end + 12 + length - 1
    return [reply[:at] + bytes((reply[at] ^ 1,)) + reply[at + 1 :]]


def _drop_first(query: bytes, reply: bytes) -> list[bytes]:
    """Leave the first answer record out."""
    start = replies.names_end(query, 12) + 4
    if reply[6:8] == b"\0\0":
        return [reply]
    length = int.from_bytes(reply[start + 10 : start + 12], "big")
    count = int.from_bytes(reply[6:8], "big") - 1
    return [reply[:6] + count.to_bytes(2, "big") + reply[8:start] + reply[start + 12 + length :]]


def _junk_first(query: bytes, reply: bytes) -> list[bytes]:
    """Garbage, a header alone, a query, records cut short; then the true reply."""
    return [b"", b"\0" * 12, query, reply[:-3], query[:2] + b"\x80\0" + query[4:12], reply]


def _forged_ids(_: bytes, reply: bytes) -> list[bytes]:
    """Replies with other ids ahead of the true one."""
    return [bytes((reply[0] ^ n, reply[1])) + reply[2:] for n in range(1, 200)] + [reply]


LIES: dict[str, Callable[[bytes, bytes], list[bytes]]] = {
    "flip": _flip,
    "hide": _drop_first,
    "junk": _junk_first,
    "forge": _forged_ids,
    "servfail": lambda query, reply: [reply[:3] + bytes((reply[3] | 2,)) + reply[4:]] if query else [],
    "silence": lambda _query, _reply: [],
}


async def play(name: str, text: str, seed: int = 0) -> Story:
    """Play a scenario in a world of its own."""
    story = Story(World(seed))

    async def body(_: World) -> None:
        await story.play(name, text)

    await run_in(story.world, body)
    return story
