"""What a recipient can do: each a request, signed with their key, to every validator of a CSI.

What is said is kept beside the key before it is sent: a serial is never used twice.
"""

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


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it at one validator: a line for people, whether it is what was wanted, and the reply itself."""

    line: str
    is_well: bool
    reply: Reply | None = None


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
        """Have each validator send a code to the CSI."""
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
            known = self.state.held.get(parsed.text, held)
            if url not in known.validators:
                self._keep(self.state.with_held(replace(known, validators=(*known.validators, url))))
            yield self._told(url, parsed, Action.CLAIM, (Outcome.SENT,))

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
        held, wire = self._signed(held, self._key, self.state.former)
        action, good = Action.MAP, Outcome.STANDING
        if held.is_released:
            action, good = Action.RELEASE, Outcome.RELEASED
        self._keep(self.state.with_held(held))
        for url in urls:
            yield self._told(url, identifiers.parse(held.csi), action, (good,), mapping=wire)

    def keep(self, held: Held) -> Iterator[Told]:
        """Confirm that the CSI is still held."""
        for url in held.validators:
            yield self._told(url, identifiers.parse(held.csi), Action.KEEP, (Outcome.STANDING,))

    def status(self, held: Held) -> Iterator[Told]:
        """Ask how the key stands."""
        anything = tuple(outcome for outcome in Outcome if outcome is not Outcome.REFUSED)
        for url in held.validators:
            told = self._told(url, identifiers.parse(held.csi), Action.STATUS, anything)
            if held.entries is not None and told.reply is not None and told.reply.outcome is Outcome.STANDING:
                told = told if told.reply.mapping == held.serial else replace(told, line=told.line + _BEHIND)
            yield told

    def roll(self, path: Path) -> Iterator[Told]:
        """Go over to another key with every CSI; may be repeated where a validator did not answer."""
        new = reading(path, keys.load)
        beside = states.path_beside(path)
        state = states.load(beside)
        if not state.held:
            former = (*self.state.former, self.digest)[-MAX_FORMER:]
            state = State(dict(self.state.held), dict(self.state.names), former)
        elif self.digest not in state.former:
            raise MalformedError(f"{path}: this key has claims of its own")
        for held in self.state.held.values():
            if held.is_released:
                continue
            if held.entries is None:
                raise MalformedError(f"nothing was said for {held.csi} yet; begin with 'authorise' or 'opt-out'")
            known, wire = self._signed(state.held.get(held.csi, held), new, state.former)
            state = state.with_held(known)
            states.save(beside, state)
            csi = identifiers.parse(held.csi)
            for url in held.validators:
                done = self._told(url, csi, Action.STATUS, (Outcome.STANDING,), key=new)
                yield done if done.is_well else self._told(url, csi, Action.ROLL, (Outcome.STANDING,), mapping=wire)

    def _meet(self, url: str) -> None:
        """Learn what a validator is called; another name than before is another validator."""
        name = talking.name_of(url)
        known = self.state.names.setdefault(url, name)
        if known != name:
            raise SilentError(f"{url}: calls itself {name}, and was {known} before")

    def _keep(self, state: State) -> None:
        states.save(self._path, state)
        self.state = state

    @staticmethod
    def _signed(held: Held, key: PrivateKey, former: tuple[bytes, ...]) -> tuple[Held, bytes]:
        now = time.time()
        serial = max(int(now * _SERIALS_A_SECOND), held.serial + 1)
        life = Life(FRESH, serial, int(now), int(now) + MAPPING_LIFE)
        csi = identifiers.parse(held.csi)
        mapping = Mapping(
            life,
            csi.owner,
            key.public,
            held.entries or (),
            is_released=held.is_released,
            former=tuple(sorted(former)),
        )
        sealed = statements.seal(mapping, key)
        statements.read_untrusted(sealed)  # says what is wrong before anybody else does
        return replace(held, serial=serial), sealed.to_wire()

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
            reply = talking.ask(url, request.to_wire(key))
        except SilentError as error:
            return Told(str(error), is_well=False)
        return Told(f"{url}: {said(reply)}", reply.outcome in good, reply)


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
