"""Readers: from what TOML gave to a value, or what is wrong with it and what was expected."""

import shutil
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

from fingerpost import httpurl, login
from fingerpost.definitions import WrongError
from root.validator import place
from transport.endpoint import MAX_PORT
from zonedata import identifiers, keys, names, trust
from zonedata.errors import MalformedError, UntrustedError
from zonedata.names import Name

T = TypeVar("T")
Reader = Callable[[Any, Path], T]
MAX_SHOWN = 60  # characters of a bad value that are repeated


def _shown(value: Any) -> str:
    return repr(value)[:MAX_SHOWN]


def text(value: Any, _folder: Path) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise WrongError.because(f"{_shown(value)}, expected text in quotes")
    return value


def flag(value: Any, _folder: Path) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise WrongError.because(f"{_shown(value)}, expected true or false, without quotes")
    return value


def number(least: int, most: int) -> Reader[int]:
    """Return a reader of whole numbers."""

    def read(value: Any, _folder: Path) -> int:
        if type(value) is not int or not least <= value <= most:
            raise WrongError.because(f"{_shown(value)}, expected a whole number from {least} to {most}")
        return value

    return read


def text_as(parse: Callable[[str], T]) -> Reader[T]:
    """Return a reader of text that `parse` understands; it raises `ValueError` or a kind of it."""

    def read(value: Any, folder: Path) -> T:
        try:
            return parse(text(value, folder))
        except ValueError as error:
            raise WrongError.because(str(error)) from error

    return read


def one_of(words: Callable[[str], T], allowed: Iterable[str]) -> Reader[T]:
    """Return a reader of one of a few words."""
    expected = ", ".join(allowed)

    def read(value: Any, folder: Path) -> T:
        try:
            return words(text(value, folder))
        except ValueError as error:
            raise WrongError.because(f"{_shown(value)}, expected one of {expected}") from error

    return read


def list_of(read_one: Reader[T]) -> Reader[tuple[T, ...]]:
    """Return a reader of arrays without repetition; every wrong element is reported."""

    def read(value: Any, folder: Path) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise WrongError.because(f"{_shown(value)}, expected an array: [...]")
        found: list[T] = []
        mistakes: list[tuple[int | None, str]] = []
        for index, element in enumerate(value):
            try:
                one = read_one(element, folder)
            except WrongError as wrong:
                mistakes += [(index, reason) for _, reason in wrong.mistakes]
                continue
            if one in found:
                mistakes.append((index, f"{_shown(element)} stands here twice"))
            found.append(one)
        if mistakes:
            raise WrongError(*mistakes)
        return tuple(found)

    return read


def path(value: Any, folder: Path) -> Path:
    """Read a path, relative to the file."""
    return folder / text(value, folder)


def apex(value: str) -> Name:
    """Read the name under which everything hangs on the wire."""
    name = names.from_text(value)
    if len(name) > names.MAX_APEX:
        raise MalformedError(f"apex of {len(name)} octets, at most {names.MAX_APEX} are allowed")
    if names.depth(name) > names.MAX_APEX_LABELS:
        raise MalformedError(f"apex of {names.depth(name)} labels, at most {names.MAX_APEX_LABELS} are allowed")
    return name


def host_address(value: str) -> str:
    """Read an IP address, and return it as the kernel spells it."""
    try:
        return str(ip_address(value))
    except ValueError as error:
        raise MalformedError(f"{value[:80]!r} is not an IP address") from error


def host_and_port(value: str) -> tuple[str, int]:
    """Read `mail.example#587`: a name or an address, and a port."""
    host, _, port = value.rpartition("#")
    if not host or not (port.isascii() and port.isdigit() and len(port) <= len(str(MAX_PORT)) and int(port) > 0):
        raise MalformedError(f"{value[:80]!r} is not HOST#PORT")
    if int(port) > MAX_PORT or not host.isascii() or not host.isprintable() or " " in host:
        raise MalformedError(f"{value[:80]!r} is not HOST#PORT")
    return host, int(port)


def mail_address(value: str) -> str:
    """Read an e-mail address."""
    csi = identifiers.parse(value)
    if csi.scheme != "mail":
        raise MalformedError(f"{value[:80]!r} is no e-mail address")
    return csi.text


def url(value: str) -> str:
    """Read the URL of an HTTP server: https, or http on this machine."""
    return httpurl.check(value, allow_plain=False)


def words(value: Any, folder: Path) -> tuple[str, ...]:
    """Read a program and its arguments, which may stand there twice.

    A program with a '/' in its name is relative to the file, as all paths are; one without is looked for in PATH.
    """
    if not isinstance(value, list) or not value:
        raise WrongError.because(f"{_shown(value)}, expected an array with a program and its arguments")
    program, *arguments = (text(one, folder) for one in value)
    return (str((folder / program).absolute()) if "/" in program else program, *arguments)


# --- looking at files ----------------------------------------------------------------------------------------


def each(look: Callable[[Path], None]) -> Callable[[tuple[Path, ...]], None]:
    """Look at every file of a list."""

    def look_at_all(files: tuple[Path, ...]) -> None:
        mistakes: list[tuple[int | None, str]] = []
        for index, file in enumerate(files):
            try:
                look(file)
            except WrongError as wrong:
                mistakes += [(index, reason) for _, reason in wrong.mistakes]
        if mistakes:
            raise WrongError(*mistakes)

    return look_at_all


def look_at_key(file: Path | None) -> None:
    """Refuse a key file that is not there, is no key, or can be read by others."""
    assert file is not None, "only what the file names is looked at"
    try:
        keys.load(file)
    except (MalformedError, UntrustedError) as error:
        raise WrongError.because(f"{file}: {error}") from error


def look_at_login(file: Path | None) -> None:
    """Refuse a file of user and password that is not there, holds none, or can be read by others."""
    assert file is not None, "only what the file names is looked at"
    try:
        login.read(file)
    except (MalformedError, UntrustedError) as error:
        raise WrongError.because(f"{file}: {error}") from error


def look_at_program(command: tuple[str, ...]) -> None:
    """Refuse a command whose program is not there, or cannot be executed by us."""
    program = command[0]
    if shutil.which(program) is not None:
        return
    if "/" not in program:
        raise WrongError.because(f"{program}: there is no such program in PATH")
    reason = "is no program that can be executed" if Path(program).exists() else "there is no such program"
    raise WrongError.because(f"{program}: {reason}")


def look_at_register(directory: Path | None) -> None:
    """Refuse a validator's register that others could write, or that is cut short; there may be none yet.

    Whose it is to be is not known here: configurations are checked by root, too; the daemons see to it themselves.
    """
    assert directory is not None, "only what the file names is looked at"
    try:
        if place.is_there(directory):
            place.check(directory, directory.lstat().st_uid)
    except MalformedError as error:
        raise WrongError.because(str(error)) from error


def look_at_anchor(file: Path | None) -> None:
    """Refuse an anchor file that is not there or is none."""
    assert file is not None, "only what the file names is looked at"
    try:
        trust.read_anchor(file)
    except (MalformedError, UntrustedError) as error:
        raise WrongError.because(f"{file}: {error}") from error


def look_at_source(file: Path | None) -> None:
    """Refuse a file that cannot be read; what it says is checked with its own lines."""
    assert file is not None, "only what the file names is looked at"
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise WrongError.because(f"{file}: cannot be read: {error.strerror}") from error
