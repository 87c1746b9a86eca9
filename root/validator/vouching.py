"""A claim as VALIDATION, ready to be shown."""

from dataclasses import dataclass, replace

from root.validator.claims import Record
from zonedata import statements
from zonedata.keys import PrivateKey
from zonedata.kinds import DAY, FRESH
from zonedata.life import Life
from zonedata.names import Name
from zonedata.recipient_statements import Validation
from zonedata.sealed import Sealed
from zonedata.store.layout import entry

VALIDATION_LIFE = 14 * DAY  # what a claim that was ended by force outlives at most; two weeks to repair a daemon
RENEW_AFTER = DAY
_SERIALS_A_SECOND = (
    1_000  # serials are Unix milliseconds: no CSI changes so often, and a lost register repeats none
)


@dataclass(frozen=True, slots=True)
class Voucher:
    """Who vouches, with which key."""

    name: str
    key: PrivateKey

    def vouch(self, owner: Name, record: Record, now: float) -> tuple[Record, list[bytes]]:
        """Sign what a settled record says, and return the record with it and the entries that are shown."""
        standing = record.standing
        issued = max(int(now), standing.executed)  # where the clock has stepped back
        serial = max(int(now * _SERIALS_A_SECOND), record.serial + 1)
        expires = min(issued + VALIDATION_LIFE, max(standing.until, issued + 1))
        shown = record.deposit
        validation = Validation(
            Life(FRESH, serial, issued, expires),
            owner,
            standing.recipient,
            self.name,
            standing.method,
            standing.since,
            standing.executed,
            shown.serial if shown is not None else 0,
        )
        entries = [entry(validation.life, statements.seal(validation, self.key))]
        if shown is not None:
            life = Life(FRESH, shown.serial, issued, shown.expires)
            entries.append(entry(life, Sealed.from_wire(shown.envelope)))
        return replace(record, serial=serial, renew=issued + RENEW_AFTER), entries
