"""What a benchmark needs to know about a program of others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.processes import find

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Zones:
    """What an authority is to serve.

    Attributes:
        place: A directory for its own files.
        port: At the loopback address.
        name: Of the zone.
        file: Of the zone, in presentation form.
    """

    place: Path
    port: int
    name: str
    file: Path


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a resolver answers over what is encrypted, and with what.

    Attributes:
        dot: Port of DNS over TLS.
        doh: Port of DNS over HTTPS.
        certificate: Its file.
        key: Its file.
    """

    dot: int
    doh: int
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Stub:
    """What a resolver is to find out about.

    Attributes:
        place: A directory for its own files.
        port: At the loopback address.
        zone: The one that it is asked about.
        upstream: Port of that zone's authority.
        anchor: File with the zone's key, to validate against; None where the zone is not signed.
        entries: Names that its caches must hold.
        minimises: Whether it asks label by label, so that no server sees more of a name than it must (RFC 9156).
        doors: Where it answers over what is encrypted, if it does.
    """

    place: Path
    port: int
    zone: str
    upstream: int
    anchor: Path | None
    entries: int
    minimises: bool = True
    doors: Doors | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """One program.

    Attributes:
        name: For people.
        program: As it is called.
        version: Words that make it say which it is.
        authority: From what is to be served to (path of the configuration, its text, words of the command line).
        resolver: The same for a resolver.
    """

    name: str
    program: str
    version: tuple[str, ...]
    authority: Callable[[Zones], tuple[Path, str, list[str]]] | None = None
    resolver: Callable[[Stub], tuple[Path, str, list[str]]] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether it is on this machine."""
        return find(self.program) is not None

    def prepare(self, what: Zones | Stub) -> list[str]:
        """Write its configuration and return the command line that runs it in the foreground."""
        make = self.authority(what) if isinstance(what, Zones) and self.authority else None
        if isinstance(what, Stub) and self.resolver:
            make = self.resolver(what)
        assert make is not None, f"{self.name} was asked to be what it is not"
        path, text, words = make
        what.place.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [find(self.program) or self.program, *words]
