"""A desk with a register in a folder, and people with keys of their own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from root.validator.claims import Terms
from root.validator.desk import Answer, Desk, Ways
from root.validator.store import RegisterWriter
from root.validator.vouching import Voucher
from tests.zonedata.builders import NOW, key
from zonedata import identifiers, statements
from zonedata.identifiers import Csi
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY
from zonedata.life import Life
from zonedata.recipient_statements import Mapping, MappingEntry, Validation, recipient_of
from zonedata.sealed import Sealed
from zonedata.store.layout import data_of
from zonedata.validator_requests import Action, Request

VERA = "vera.example"
NUMBER = identifiers.parse("+14155550123")
MAIL = identifiers.parse("alice@example.com")
NODES = tuple(identifiers.node_from_text(text) for text in ("+1415", "@example.com"))
HOST = "192.0.2.1"
USUAL = Terms()
_nonces = count(1)


def mapping(whose: PrivateKey, csi: Csi, serial: int = 1, **fields: object) -> Mapping:
    """A MAPPING of that key."""
    entries = fields.pop("entries", (MappingEntry("alpha.example", ("Default",)),))
    life = Life(300, serial, NOW - 10, NOW + 300 * DAY)
    return Mapping(life, csi.owner, whose.public, entries, **fields)  # type: ignore[arg-type]  # the test names them


def sealed(said: Mapping, whose: PrivateKey) -> bytes:
    return statements.seal(said, whose).to_wire()


def digest(name: str) -> bytes:
    return recipient_of(key(name).public)


@dataclass
class Asker:
    """Makes requests of people."""

    csi: Csi = NUMBER
    to: str = VERA

    def wire(self, action: Action, who: str, now: float, **carried: object) -> bytes:
        if action is Action.CLAIM:
            carried.setdefault("csi", self.csi.text)
        nonce = next(_nonces).to_bytes(16, "big")
        owner = carried.pop("owner", self.csi.owner)
        request = Request(action, self.to, owner, int(now), nonce, key(who).public, **carried)  # type: ignore[arg-type]  # the test names them
        return request.to_wire(key(who))


@dataclass
class Office:
    """A desk, with time in hand."""

    desk: Desk
    register: RegisterWriter
    now: float = NOW
    asker: Asker = field(default_factory=Asker)
    host: str = HOST

    def ask(self, action: Action, who: str, **carried: object) -> Answer:
        return self.desk.handle(self.asker.wire(action, who, self.now, **carried), self.host, self.now)

    def prove(self, who: str) -> Answer:
        """Claim and show the code that was sent."""
        claimed = self.ask(Action.CLAIM, who)
        assert claimed.delivery is not None, claimed
        return self.ask(Action.CONFIRM, who, code=claimed.delivery.code)

    def map(self, who: str, serial: int = 1, **fields: object) -> Answer:
        return self.ask(
            Action.MAP, who, mapping=sealed(mapping(key(who), self.asker.csi, serial, **fields), key(who))
        )

    def shown(self) -> list[Validation | Mapping]:
        """What readers see."""
        found = []
        for value in self.register.about(self.asker.csi.owner):
            said = statements.read_untrusted(Sealed.from_wire(data_of(value)))
            assert isinstance(said, Validation | Mapping)
            found.append(said)
        return found

    def stands(self) -> bytes:
        """Digest of whom is vouched for; b"" for nobody."""
        shown = self.shown()
        return shown[0].recipient if shown else b""

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what is due be done."""
        self.now += seconds
        while self.desk.sweep(self.now):
            pass


class Drawn:
    """Codes one after the other."""

    def __init__(self, codes: Iterable[int] = count(10_000_000)) -> None:
        self._codes = iter(codes)

    def __call__(self) -> str:
        return str(next(self._codes))


def office(
    path: Path,
    terms: Terms = USUAL,
    signer: str = "vera.example/validate",
    methods: dict[str, str] | None = None,
) -> Office:
    """Open one; the test closes its register."""
    register = RegisterWriter(path, VERA)
    ways = Ways(methods or {"e164": "sms", "mail": "email"}, Drawn(), b"s" * 32)
    desk = Desk(register, Voucher(VERA, key(signer)), NODES, ways, terms)
    desk.begin()
    return Office(desk, register)
