"""What was asked for: arguments and the text of .fpdigrc become questions with their options.

Pure, and the grammar is dig's: options before the first identifier are for all, those after one are its own.
Everything that is wrong is found in one reading. Left out: reading files, and whether the anchor is one.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from resolver.fpdig import flags
from resolver.fpdig.flags import DISPLAY, VALUES
from resolver.settings import DEFAULT_APEX
from transport.endpoint import Endpoint
from zonedata import identifiers
from zonedata.identifiers import Csi
from zonedata.kinds import Assurance
from zonedata.names import Name


@dataclass(frozen=True, slots=True)
class Options:
    """How one question is to be asked and shown; the fields of one name with a flag are told in `usage`.

    Attributes:
        at: The server's address, and its port where one was given with it.
        port: Otherwise this port.
    """

    at: tuple[str, int | None] = ("127.0.0.1", None)
    port: int = 53
    time: float = 5.0
    tries: int = 3
    tcp: bool = False
    cd: bool = False
    csi: bool = False
    apex: Name = DEFAULT_APEX
    anchor: str = ""
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
        return Endpoint(host, self.port if port is None else port)

    @property
    def is_text(self) -> bool:
        """Whether dig's layout is wanted, neither SSIs alone nor JSON."""
        return not (self.short or self.json)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Flag and file of what is to be kept of the answer."""
        return [(flag, path) for flag, path in (("+bundle", self.bundle), ("+svg", self.svg)) if path]


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


def read_command(words: list[str], rc: str = "") -> Command | UsageError:
    """Read the arguments, after the text of .fpdigrc."""
    reader = _Reader(DEFAULTS)
    reader.is_free = False
    for number, line in enumerate(rc.splitlines(), 1):
        if not is_blank(line):
            reader.place = f".fpdigrc:{number}: "
            reader.read(line.split())
    reader.place, reader.is_free = "", True
    return reader.command(words)


def read_line(line: str, defaults: Options) -> tuple[Question, ...] | UsageError:
    """Read a line of a batch."""
    reader = _Reader(defaults)
    reader.is_free, reader.is_line = False, True
    read = reader.command(line.split())
    return read if isinstance(read, UsageError) else read.questions


def is_blank(line: str) -> bool:
    """Say whether a line holds nothing, or a comment."""
    return line.lstrip()[:1] in {"", ";", "#"}


class _Reader:
    """The state of reading words.

    Attributes:
        place: Where they stand, for faults: "" for the command line and for the lines of a batch.
        is_free: Whether they are the command line, where -f, -h, -v and -r can stand.
        is_line: Whether they are a line of a batch.
    """

    def __init__(self, defaults: Options) -> None:
        self.place = ""
        self.is_free = True
        self.is_line = False
        self._defaults = defaults
        self._questions: list[tuple[Csi, Options]] = []
        self._faults: list[str] = []
        self._csi: Csi | None = None  # the identifier whose own options are being read
        self._own = defaults
        self._batch = ""
        self._wants: set[str] = set()

    def read(self, words: list[str]) -> None:
        """Read all words; mistakes are noted and the reading goes on."""
        rest = deque(words)
        while rest:
            word = rest.popleft()
            try:
                self._word(word, rest)
            except ValueError as error:
                self._faults.append(f"{self.place}{word}: {error}")

    def command(self, words: list[str]) -> Command | UsageError:
        """Read the words, check what only the whole can show, and return it."""
        self.read(words)
        self._close()
        if self._wants:
            return Command((), wants_help="help" in self._wants, wants_version="help" not in self._wants)
        if self._batch and self._questions:
            self._faults.append("-f FILE and identifiers beside it: put them into the file")
        if not self._batch and not self._questions and not self._faults:
            self._faults.append("no telephone number and no e-mail address to look up")
        for _, options in [*self._questions, *([(None, self._defaults)] if self._batch else [])]:
            self._check(options)
        self._check_kept([options for _, options in self._questions])
        if self._faults:
            return UsageError(tuple(dict.fromkeys(self._faults)))
        questions = tuple(Question(csi, options, " ".join(words)) for csi, options in self._questions)
        return Command(questions, self._defaults, self._batch)

    def _check(self, options: Options) -> None:
        if options.trace and not options.anchor:
            self._faults.append("+trace walks from a trust anchor: give --anchor FILE")
        if options.direct and not options.anchor:
            self._faults.append("+direct completes a proof that is verified here: give --anchor FILE")
        if options.direct and options.csi:
            self._faults.append("+direct completes a proof, and +csi asks for none")
        if options.direct and options.trace:
            self._faults.append("+trace asks each party itself: +direct has no meaning there")
        if options.trace and options.csi:
            self._faults.append("+trace asks each party for all it has: +csi has no meaning there")

        for flag, _ in options.kept:
            if self._batch or self.is_line:
                self._faults.append(f"{flag} keeps one answer: it is not for a batch")
            if not options.anchor:
                self._faults.append(f"{flag} keeps what was verified: give --anchor FILE")
            if options.trace or options.csi:
                self._faults.append(f"{flag} keeps the proof in a resolver's answer: +csi and +trace bring none")

    def _check_kept(self, every: list[Options]) -> None:
        seen = set()
        for flag, path in [kept for options in every for kept in options.kept]:
            if path in seen:
                self._faults.append(f"{flag}={path}: the same file twice; a file keeps one answer")
            seen.add(path)

    def _word(self, word: str, rest: deque[str]) -> None:
        if word.startswith("@"):
            self._server(word[1:])
        elif word.startswith("--"):
            self._long(word[2:], rest)
        elif word.startswith("+") and not word[1:2].isdecimal():
            self._flag(word[1:])
        elif word.startswith("-") and word != "-":
            self._letter(word[1], word[2:], rest)
        else:
            csi = identifiers.parse(word)
            if self.place:
                raise ValueError("an identifier, where only options can stand")
            self._close()
            self._csi, self._own = csi, self._defaults

    def _close(self) -> None:
        if self._csi is not None:
            self._questions.append((self._csi, self._own))
            self._csi = None

    def _set(self, **changes: Any) -> None:
        if self._csi is None:
            self._defaults = replace(self._defaults, **changes)
        else:
            self._own = replace(self._own, **changes)

    def _server(self, text: str) -> None:
        if "#" in text:
            endpoint = Endpoint.from_text(text)
            self._set(at=(endpoint.host, flags.port(str(endpoint.port))))
        else:
            self._set(at=(Endpoint.from_text(f"{text}#0").host, None))

    def _long(self, text: str, rest: deque[str]) -> None:
        if text in {"help", "version"}:
            self._letter(text[0], "", rest)
            return
        name, equals, value = text.partition("=")
        if name == "file":
            self._letter("f", value, rest)
            return
        name = "no" + name[3:] if name.startswith("no-") else name
        field, on = flags.resolve(name)
        if field in VALUES and on and not equals:
            equals, value = "=", _next(rest)
        self._flag(name + equals + value)

    def _flag(self, text: str) -> None:
        name, equals, value = text.partition("=")
        field, on = flags.resolve(name)
        if equals and (field not in VALUES or not on):
            raise ValueError("takes no value")
        if field == "all":
            self._set(**dict.fromkeys(DISPLAY, on))
        elif field not in VALUES:
            self._set(**{field: on})
        elif not on:
            self._set(**{field: getattr(DEFAULTS, field)})
        elif not equals:
            raise ValueError(f"needs a value: +{field}=...")
        else:
            self._set(**{field: VALUES[field](value)})

    def _letter(self, letter: str, value: str, rest: deque[str]) -> None:
        if letter not in "pfhvr" or (letter in "hvr" and value):
            raise ValueError("there is no such option")
        if not self.is_free and letter != "p":
            raise ValueError("is for the command line only")
        match letter:
            case "p":
                self._set(port=flags.port(value or _next(rest)))
            case "f":
                self._batch = value or _next(rest)
            case "h":
                self._wants.add("help")
            case "v":
                self._wants.add("version")
            case _:
                pass  # -r has done its work: .fpdigrc was not read


def _next(rest: deque[str]) -> str:
    if not rest:
        raise ValueError("needs a value")
    return rest.popleft()
