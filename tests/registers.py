"""A validator's register for worlds in memory."""

from zonedata.names import Name
from zonedata.recipient_statements import Mapping, Validation
from zonedata.sealed import Sealed
from zonedata.store.layout import entry


class MemoryRegister:
    """A validator's register in memory: for each owner its VALIDATION and MAPPING."""

    def __init__(self) -> None:
        self._sealed: dict[Name, list[bytes]] = {}

    def about(self, owner: Name) -> list[bytes]:
        return self._sealed.get(owner, [])

    def hold(self, owner: Name, sealed: list[tuple[Validation | Mapping, Sealed]]) -> None:
        self._sealed[owner] = [entry(said.life, envelope) for said, envelope in sealed]

    def forget(self, owner: Name) -> None:
        self._sealed.pop(owner, None)
