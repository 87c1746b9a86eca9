"""What a recipient has said, kept beside their key: for each CSI the entries, the serial and the validators.

Losing it costs little: validators say what they hold, and a serial made of the time is above the last one.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fingerpost import httpurl
from fingerpost.files import write_whole
from zonedata import identifiers
from zonedata.errors import MalformedError
from zonedata.fields import check_authority
from zonedata.life import MAX_SERIAL
from zonedata.recipient_statements import MAX_ENTRIES, MAX_FORMER, MappingEntry

FORMAT = "fingerpost-recipient-1"
MAX_FILE = 1_048_576  # octets; some hundred CSIs with all entries that there may be


@dataclass(frozen=True, slots=True)
class Held:
    """One CSI.

    Attributes:
        csi: Its canonical text.
        validators: URLs of those who were asked to vouch.
        entries: Of the newest MAPPING; None when none has been made, which is not the same as an empty one.
        serial: Of that MAPPING; 0 when none has been made.
        is_released: Whether it was given up.
    """

    csi: str
    validators: tuple[str, ...] = ()
    entries: tuple[MappingEntry, ...] | None = None
    serial: int = 0
    is_released: bool = False

    def listing(self, entry: MappingEntry) -> "Held":
        """Return it with an MSP listed, in the place of what was said of that MSP before."""
        others = [one for one in self.entries or () if one.msp != entry.msp]
        if len(others) == MAX_ENTRIES:
            raise MalformedError(f"there are {MAX_ENTRIES} MSPs already, which is the most")
        return replace(self, entries=tuple(sorted([*others, entry], key=lambda one: one.msp)))

    def without(self, msp: str) -> "Held":
        """Return it with an MSP no longer listed."""
        entries = self.entries or ()
        if all(one.msp != msp for one in entries):
            raise MalformedError(f"{msp} is not listed for {self.csi}")
        return replace(self, entries=tuple(one for one in entries if one.msp != msp))


@dataclass(frozen=True, slots=True)
class State:
    """All that is kept.

    Attributes:
        held: By canonical text.
        names: What the validator at a URL called itself when it was first asked.
        former: Digests of keys that this recipient had before, oldest first.
    """

    held: dict[str, Held] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    former: tuple[bytes, ...] = ()

    def with_held(self, held: Held) -> "State":
        """Return it with one CSI as it is now."""
        return replace(self, held={**self.held, held.csi: held})

    def without(self, held: Held) -> "State":
        """Return it without one CSI."""
        return replace(self, held={csi: one for csi, one in self.held.items() if csi != held.csi})

    def to_text(self) -> str:
        """Write it."""
        csis = {
            one.csi: {
                "validators": list(one.validators),
                "entries": [entry.to_value() for entry in one.entries] if one.entries is not None else None,
                "serial": one.serial,
                "released": one.is_released,
            }
            for one in self.held.values()
        }
        former = [digest.hex() for digest in self.former]
        return json.dumps({"format": FORMAT, "names": self.names, "former": former, "csis": csis}, indent=1) + "\n"


def path_beside(key: Path) -> Path:
    """Return where the state of a key is."""
    return key.with_name(key.name + ".state")


def load(path: Path) -> State:
    """Read it; an empty one when the file is not there.

    Raises:
        MalformedError: It cannot be read, or is none of ours.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise MalformedError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        if len(raw) > MAX_FILE:
            raise MalformedError("is too long")
        return _read(json.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError(f"{path}: is no state of a recipient: {error}") from error


def save(path: Path, state: State) -> None:
    """Write it whole or not at all, for nobody else to read."""
    write_whole(path, state.to_text(), 0o600)


def _read(value: Any) -> State:
    if value["format"] != FORMAT:
        raise MalformedError("another format")
    former = tuple(bytes.fromhex(text) for text in value["former"])
    if len(former) > MAX_FORMER:
        raise MalformedError(f"more than {MAX_FORMER} former keys")
    names = {httpurl.check(url, allow_plain=True): check_authority(name) for url, name in value["names"].items()}
    held = {}
    for text, said in value["csis"].items():
        entries = said["entries"]
        read = tuple(MappingEntry.from_value(one) for one in entries) if entries is not None else None
        serial = said["serial"]
        if not isinstance(serial, int) or not 0 <= serial < MAX_SERIAL or identifiers.parse(text).text != text:
            raise MalformedError(f"{text}: not as it is written")
        validators = tuple(httpurl.check(url, allow_plain=True) for url in said["validators"])
        held[text] = Held(text, validators, read, serial, bool(said["released"]))
    return State(held, names, former)
