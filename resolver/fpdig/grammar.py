"""The words of a command line, and the text of .fpdigrc, become questions with their options.

Pure, and the grammar is dig's: options before the first identifier are for all, those after one are its own.
Everything that is wrong is found in one reading. Left out: reading files, and whether the anchor is one.
"""

from collections import deque
from dataclasses import replace
from typing import Any

from resolver.fpdig import flags, url
from resolver.fpdig.agreement import disagreements
from resolver.fpdig.flags import DISPLAY, OPTIONAL, OVER, VALUES
from resolver.fpdig.options import DEFAULTS, OF_ALL, Command, Options, Question, UsageError
from transport.handler import Protocol
from transport.resource import USUAL
from zonedata import identifiers
from zonedata.identifiers import Csi


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
        self._has_anchor = False  # whether a further one comes beside it; else it takes the place of those above

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
        self._has_anchor = False
        self.read(words)
        self._close()
        if self._wants:
            return Command((), wants_help="help" in self._wants, wants_version="help" not in self._wants)
        if self._batch and self._questions:
            self._faults.append("-f FILE and identifiers beside it: put them into the file")
        if not self._batch and not self._questions and not self._faults:
            self._faults.append("no telephone number and no e-mail address to look up")
        for _, options in [*self._questions, *([(None, self._defaults)] if self._batch else [])]:
            is_batch = bool(self._batch) or self.is_line
            self._faults += disagreements(options, is_batch=is_batch)
        self._check_kept([options for _, options in self._questions])
        if self._faults:
            return UsageError(tuple(dict.fromkeys(self._faults)))
        questions = tuple(Question(csi, options, " ".join(words)) for csi, options in self._questions)
        return Command(questions, self._defaults, self._batch)

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
            self._has_anchor = False

    def _close(self) -> None:
        if self._csi is not None:
            self._questions.append((self._csi, self._own))
            self._csi = None

    @property
    def _held(self) -> Options:
        """Return the options that are being read."""
        return self._own if self._csi is not None else self._defaults

    def _set(self, **changes: Any) -> None:
        if self._csi is None:
            self._defaults = replace(self._defaults, **changes)
        else:
            self._own = replace(self._own, **changes)

    def _server(self, text: str) -> None:
        server = url.read_server(text)
        self._set(at=(server.host, server.port))
        if server.protocol is not None:
            self._set(over=server.protocol, is_url=True, is_get=False, path=server.path or USUAL.path)

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
        if equals and (field not in {*VALUES, *OPTIONAL} or not on):
            raise ValueError("takes no value")
        if field == "all":
            self._set(**dict.fromkeys(DISPLAY, on))
        elif field in OVER:
            self._over(field, on, value if equals else None)
        elif field in VALUES:
            self._value(field, on, value if equals else None)
        elif field in OPTIONAL and on:
            read, without = OPTIONAL[field]
            self._set(**{field: read(value) if equals else without})
        else:
            self._set(**{field: getattr(DEFAULTS, field) if field in OPTIONAL else on})

    def _value(self, field: str, on: bool, value: str | None) -> None:
        if field in OF_ALL and (self._csi is not None or self.is_line):
            raise ValueError("is for all questions: it stands before the first")
        if not on:
            self._set(**{field: getattr(DEFAULTS, field)})
            if field == "anchor":
                self._set(beside=())
        elif value is None:
            raise ValueError(f"needs a value: +{field.replace('_', '-')}=...")
        elif field == "oblivious":
            self._set(oblivious=url.read_relay(value))
        else:
            self._take(field, VALUES[field](value))

    def _over(self, field: str, on: bool, path: str | None) -> None:
        if not on:
            if self._held.over is OVER[field]:  # +notcp takes nobody from TLS to plain DNS
                self._set(over=Protocol.UDP)
            return
        self._set(over=OVER[field])
        if OVER[field] is Protocol.HTTPS:
            self._set(is_get=field == "https_get")
            if path is not None:
                self._set(path=flags.doh_path(path))

    def _take(self, field: str, value: Any) -> None:
        if field != "anchor":
            self._set(**{field: value})
        elif self._has_anchor:
            self._set(beside=(*self._held.beside, value))
        else:
            self._set(anchor=value, beside=())
            self._has_anchor = True

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
