"""What was asked for: questions, each with how it is to be asked and shown. Pure.

Left out: how words become these (grammar), and whether they go together (agreement).
"""

from dataclasses import dataclass
from pathlib import Path

from resolver.fpdig import url
from resolver.settings import DEFAULT_APEX
from resolver.way import PORTS, Way
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.proof import Certified, Pinned, Proof, Unproven
from transport.resource import USUAL, Resource
from zonedata.identifiers import Csi
from zonedata.kinds import Assurance
from zonedata.names import Name


@dataclass(frozen=True, slots=True)
class Options:
    """How one question is to be asked and shown; the fields of one name with a flag are told in `usage`.

    Attributes:
        at: The server's address or name, and its port where one was given with it.
        port: Otherwise this port, or the usual one of what is asked over.
        over: Over what is asked.
        path: Of DNS over HTTPS.
        is_get: Whether that is by GET.
        tls_ca: File of the authorities whose certificates are taken; "" for the system's, None where none is
            demanded.
        is_url: Whether the server was given as a URL, whose name its certificate must have.
        beside: Further anchors, of other trees.
    """

    at: tuple[str, int | None] = ("127.0.0.1", None)
    port: int | None = None
    time: float = 5.0
    tries: int = 3
    over: Protocol = Protocol.UDP
    path: str = USUAL.path
    is_get: bool = False
    oblivious: url.ServerText | None = None
    oblivious_keys: str = ""
    token: str = ""
    bearer: str = ""
    tls_ca: str | None = None
    tls_hostname: str = ""
    tls_pin: bytes = b""
    is_url: bool = False
    cd: bool = False
    csi: bool = False
    apex: Name = DEFAULT_APEX
    anchor: str = ""
    beside: tuple[str, ...] = ()
    assurance: Assurance = Assurance.ASSERTED
    direct: bool = False
    bundle: str = ""
    svg: str = ""
    trace: bool = False
    lab: bool = False
    root: Endpoint | None = None
    short: bool = False
    json: bool = False
    proof: bool = False
    cmd: bool = True
    comments: bool = True
    question: bool = True
    answer: bool = True
    rrcomments: bool = True
    authority: bool = True
    stats: bool = True

    @property
    def server(self) -> Endpoint:
        """Whom to ask."""
        host, port = self.at
        usual = PORTS[self.over] if self.port is None else self.port
        return Endpoint(host, usual if port is None else port)

    @property
    def way(self) -> Way:
        """How the server is asked, and how it proves who it is."""
        if not self.over.is_encrypted:
            return Way(self.over)
        return Way(self.over, self._proof(), Resource(self.path, self.is_get))

    def _proof(self) -> Proof:
        """Return what is demanded of the server: nothing, as with dig, unless words or a URL say what."""
        if self.tls_pin:
            return Pinned(self.tls_pin)
        if self.tls_hostname or self.tls_ca is not None or self.is_url:
            return Certified(self.tls_hostname or self.at[0], Path(self.tls_ca) if self.tls_ca else None)
        return Unproven()

    @property
    def is_text(self) -> bool:
        """Whether dig's layout is wanted, neither SSIs alone nor JSON."""
        return not (self.short or self.json)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Flag and file of what is to be kept of the answer."""
        return [(flag, path) for flag, path in (("+bundle", self.bundle), ("+svg", self.svg)) if path]


OF_ALL = {"oblivious", "oblivious_keys", "token"}  # what connections are made with, which questions share
DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Question:
    """One identifier to be looked up, how, and the words that said so."""

    csi: Csi
    options: Options
    words: str


@dataclass(frozen=True, slots=True)
class Command:
    """A whole command line.

    Attributes:
        questions: In order; empty with `batch`, `wants_help` and `wants_version`.
        defaults: For the lines of a batch.
        batch: The file of questions, "-" for the standard input, "" for none.
    """

    questions: tuple[Question, ...]
    defaults: Options = DEFAULTS
    batch: str = ""
    wants_help: bool = False
    wants_version: bool = False


@dataclass(frozen=True, slots=True)
class UsageError:
    """Everything that is wrong, a line each."""

    faults: tuple[str, ...]
