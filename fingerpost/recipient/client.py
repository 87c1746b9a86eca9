"""What a recipient can do: each a request, signed with their key, to every validator of a CSI.

What is said is kept beside the key before it is sent: a serial is never used twice.
"""

import http.client
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fingerpost.files import reading
from fingerpost.recipient import state as states
from fingerpost.recipient import talking
from fingerpost.recipient.state import Held, State
from fingerpost.recipient.talking import SilentError
from zonedata import identifiers, keys, statements
from zonedata.errors import MalformedError
from zonedata.identifiers import Csi
from zonedata.keys import PrivateKey
from zonedata.kinds import FRESH, RULES, Kind
from zonedata.life import Life
from zonedata.recipient_statements import MAX_FORMER, Mapping, recipient_of
from zonedata.validator_requests import NONCE_OCTETS, Action, Outcome, Reply, Request

MAPPING_LIFE = RULES[Kind.MAPPING].max_life  # as long as may be: 'deposit' renews it, and so does every change
_SERIALS_A_SECOND = 1_000  # serials are Unix milliseconds
_BEHIND = "; that is not what was said last: 'fingerpost recipient deposit' hands it in"
_LEFT = "'authorise' or 'opt-out', then 'roll' again, or 'drop' it"
_PERHAPS_SENT = frozenset({http.client.BAD_GATEWAY, http.client.GATEWAY_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it at one validator.

    Attributes:
        line: For people.
        is_well: Whether it is what was wanted.
        reply: What the validator said; None when it said nothing, or was not asked.
        status: Of HTTP, with the reply.
    """

    line: str
    is_well: bool
    reply: Reply | None = None
    status: int = 0

    @property
    def may_have_sent_a_code(self) -> bool:
        """Say whether a code may be on its way, after a CLAIM that was sent."""
        return self.is_well or self.reply is None or self.status in _PERHAPS_SENT


class Recipient:
    """A key and what was said with it.

    Args:
        path: The key's file; what is kept lies beside it.
    """

    def __init__(self, path: Path) -> None:
        self._key = reading(path, keys.load)
        self._path = states.path_beside(path)
        self.state = states.load(self._path)

    @property
    def digest(self) -> bytes:
        """The digest by which MSPs and validators name the key."""
        return recipient_of(self._key.public)

    def held(self, csi: str | None) -> Held:
        """Return the CSI that is meant: the one that is named, or the only one there is."""
        if csi is not None:
            text = identifiers.parse(csi).text
            if text not in self.state.held:
                raise MalformedError(
                    f"{text} was not claimed with this key; begin with 'fingerpost recipient claim'"
                )
            return self.state.held[text]
        if len(self.state.held) != 1:
            known = ", ".join(sorted(self.state.held)) or "none; begin with 'fingerpost recipient claim'"
            raise MalformedError(f"which identifier? say --csi; known are {known}")
        return next(iter(self.state.held.values()))

    def claim(self, csi: str, urls: tuple[str, ...]) -> Iterator[Told]:
        """Have each validator send a code to the CSI; one that refuses to is not kept."""
        parsed = identifiers.parse(csi)
        held = self.state.held.get(parsed.text, Held(parsed.text))
        wanted = urls or held.validators
        if not wanted:
            raise MalformedError("which validator? say --validator URL")
        for url in wanted:
            try:
                self._meet(url)
            except SilentError as error:
                yield Told(str(error), is_well=False)
                continue
            before = self.state  # kept before it is sent: a code may be on its way whatever ends us here
            known = before.held.get(parsed.text, held)
            is_new = url not in known.validators
            if is_new:
                self._keep(before.with_held(replace(known, validators=(*known.validators, url))))
            told = self._told(url, parsed, Action.CLAIM, (Outcome.SENT,))
            if is_new and not told.may_have_sent_a_code:
                self._keep(before)
            yield told

    def confirm(self, held: Held, code: str, urls: tuple[str, ...]) -> Iterator[Told]:
        """Show the code that came; who vouches at once is given the MAPPING, if there is one."""
        wanted = urls or held.validators
        if len(wanted) != 1:
            raise MalformedError("whose code is it? say --validator URL: each sends one of its own")
        csi = identifiers.parse(held.csi)
        if held.is_released:
            held = Held(held.csi, held.validators, serial=held.serial)
            self._keep(self.state.with_held(held))
        told = self._told(wanted[0], csi, Action.CONFIRM, (Outcome.STANDING, Outcome.PENDING), code=code)
        yield told
        if told.is_well and held.entries is not None:
            yield from self.deposit(held, wanted)

    def say(self, held: Held) -> Iterator[Told]:
        """Keep what is to be said of a CSI, and hand it in."""
        if held.is_released:
            raise MalformedError(f"{held.csi} was given up; claim it anew")
        yield from self.deposit(held, held.validators)

    def deposit(self, held: Held, urls: tuple[str, ...]) -> Iterator[Told]:
        """Sign the MAPPING anew and hand it in."""
        if held.entries is None:
            raise MalformedError(f"nothing was said for {held.csi} yet; begin with 'authorise' or 'opt-out'")
        held, wire = _signed(held, self._key, self.state.former)
        action, good = Action.MAP, Outcome.STANDING
        if held.is_released:
            action, good = Action.RELEASE, Outcome.RELEASED
        self._keep(self.state.with_held(held))
        is_everywhere = True
        for url in urls:
            told = self._told(url, identifiers.parse(held.csi), action, (good,), mapping=wire)
            is_everywhere = is_everywhere and told.is_well
            yield told
        if not is_everywhere:
            how = "'deposit' hands it in" if held.is_released else "'confirm' hands it in, and so does 'deposit'"
            yield Told(f"{held.csi}: this is kept; {how}", is_well=True)

    def drop(self, held: Held) -> Iterator[Told]:
        """Forget a CSI here; nobody is told."""
        self._keep(self.state.without(held))
        line = f"{held.csi}: forgotten here; a validator that vouches for this key was not told"
        yield Told(line, is_well=True)

    def keep(self, held: Held) -> Iterator[Told]:
        """Confirm that the CSI is still held."""
        for url in held.validators:
            yield self._told(url, identifiers.parse(held.csi), Action.KEEP, (Outcome.STANDING,))

    def status(self, held: Held) -> Iterator[Told]:
        """Ask how the key stands."""
        anything = tuple(outcome for outcome in Outcome if outcome is not Outcome.REFUSED)
        for url in held.validators:
            yield _compared(held, self._told(url, identifiers.parse(held.csi), Action.STATUS, anything))

    def roll(self, path: Path) -> Iterator[Told]:
        """Go over to another key with every CSI; may be repeated where a validator did not answer.

        A CSI of which nothing was said stays with the old key: the new one would need a MAPPING, and one that lists
        nobody says that its holder does not want to be found.
        """
        new = self._successor(path)
        going, skipped = list[Held](), list[str]()
        for held in self.state.held.values():
            known = replace(new.state.held.get(held.csi, held), validators=held.validators)
            if held.is_released or known.is_released:
                continue
            if known.entries is None:
                skipped.append(held.csi)
                continue
            _signed(known, new.key, new.state.former)  # what cannot be said stops all before the first request
            going.append(known)
        is_begun = False
        for held in going:
            for told in self._rolled(held, new):
                is_begun = is_begun or told.is_well
                yield told
        for csi in skipped:
            yield Told(f"{csi}: nothing was said for it yet, so it stays with this key; {_LEFT}", is_well=False)
        if is_begun:
            yield Told(f"from now on use --key {path}", is_well=True)

    def _successor(self, path: Path) -> "_Successor":
        beside = states.path_beside(path)
        state = states.load(beside)
        if self.digest not in state.former:
            if state.held:
                raise MalformedError(f"{path}: this key has claims of its own")
            state = State({}, dict(self.state.names), (*self.state.former, self.digest)[-MAX_FORMER:])
        return _Successor(reading(path, keys.load), beside, state)

    def _rolled(self, held: Held, new: "_Successor") -> Iterator[Told]:
        """Go over with one CSI, at each validator that does not vouch for the new key yet."""
        csi = identifiers.parse(held.csi)
        behind, standing = list[str](), dict[str, Told]()
        for url in held.validators:
            told = self._told(url, csi, Action.STATUS, (Outcome.STANDING,), key=new.key)
            if told.is_well:
                standing[url] = told
            elif told.reply is None or told.reply.outcome is Outcome.REFUSED:
                yield told
            else:
                behind.append(url)
        if not behind:
            yield from (_compared(held, told) for told in standing.values())
            return
        held, wire = _signed(held, new.key, new.state.former)
        kept = new.state.held.get(held.csi, held)
        validators = tuple(dict.fromkeys((*kept.validators, *held.validators)))
        new.keep(new.state.with_held(replace(held, validators=validators)))
        for url in behind:
            yield self._told(url, csi, Action.ROLL, (Outcome.STANDING,), mapping=wire)
        for url in standing:
            yield self._told(url, csi, Action.MAP, (Outcome.STANDING,), key=new.key, mapping=wire)

    def _meet(self, url: str) -> None:
        """Learn what a validator is called; another name than before is another validator."""
        name = talking.name_of(url)
        known = self.state.names.setdefault(url, name)
        if known != name:
            raise SilentError(f"{url}: calls itself {name}, and was {known} before")

    def _keep(self, state: State) -> None:
        states.save(self._path, state)
        self.state = state

    def _told(  # noqa: PLR0913 - what requests carry
        self,
        url: str,
        csi: Csi,
        action: Action,
        good: tuple[Outcome, ...],
        *,
        key: PrivateKey | None = None,
        code: str = "",
        mapping: bytes = b"",
    ) -> Told:
        key = key if key is not None else self._key
        request = Request(
            action,
            self.state.names[url],
            csi.owner,
            int(time.time()),
            secrets.token_bytes(NONCE_OCTETS),
            key.public,
            csi.text if action is Action.CLAIM else "",
            code,
            mapping,
        )
        try:
            status, reply = talking.ask(url, request.to_wire(key))
        except SilentError as error:
            return Told(str(error), is_well=False)
        return Told(f"{url}: {said(reply)}", reply.outcome in good, reply, status)


@dataclass(slots=True)
class _Successor:
    """The key that a recipient goes over to, and what is kept beside it."""

    key: PrivateKey
    beside: Path
    state: State

    def keep(self, state: State) -> None:
        states.save(self.beside, state)
        self.state = state


def _signed(held: Held, key: PrivateKey, former: tuple[bytes, ...]) -> tuple[Held, bytes]:
    now = time.time()
    serial = max(int(now * _SERIALS_A_SECOND), held.serial + 1)
    life = Life(FRESH, serial, int(now), int(now) + MAPPING_LIFE)
    mapping = Mapping(
        life,
        identifiers.parse(held.csi).owner,
        key.public,
        held.entries or (),
        is_released=held.is_released,
        former=tuple(sorted(former)),
    )
    sealed = statements.seal(mapping, key)
    statements.read_untrusted(sealed)  # says what is wrong before anybody else does
    return replace(held, serial=serial), sealed.to_wire()


def _compared(held: Held, told: Told) -> Told:
    """Return a reply with a word where the MAPPING that is shown is not the newest."""
    if held.entries is None or told.reply is None or told.reply.outcome is not Outcome.STANDING:
        return told
    return told if told.reply.mapping == held.serial else replace(told, line=told.line + _BEHIND)


def said(reply: Reply) -> str:
    """Say in a line how a recipient stands."""
    match reply.outcome:
        case Outcome.SENT:
            return "a code is on its way; show it with 'fingerpost recipient confirm CODE'"
        case Outcome.STANDING:
            text = f"vouches for this key, which holds it since {day(reply.since)}, until {day(reply.until)}"
            if reply.mapping:
                text += f"; mapping {reply.mapping}"
            if reply.deadline:
                text += (
                    f"; somebody else has proven possession: 'fingerpost recipient keep' before "
                    f"{day(reply.deadline)}, or it is theirs"
                )
            return text
        case Outcome.PENDING:
            return f"proven; an older recipient may object until {day(reply.deadline)}"
        case Outcome.RELEASED:
            return "given up"
        case Outcome.NONE:
            return "does not vouch for this key"
        case Outcome.REFUSED:
            return f"refused: {reply.reason}"


def day(when: int) -> str:
    """Write Unix seconds for people."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"
