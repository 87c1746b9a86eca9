"""Bodies that claim more than they bring. Imports nothing heavy, so that a lean process can be measured."""

from zonedata.codec import Caps, unpack
from zonedata.errors import MalformedError
from zonedata.kinds import LARGE, SMALL


def bombs(caps: Caps) -> dict[str, bytes]:
    """Every header that claims more than it brings, repeated to the cap, behind every kind of beginning."""
    headers = {
        "array of 64": b"\xdc\x00\x40",
        "array of the cap": b"\xdc" + caps.elements.to_bytes(2, "big"),
        "array of 65,535": b"\xdc\xff\xff",
        "array of 2^32": b"\xdd\xff\xff\xff\xff",
        "array of 15": b"\x9f",
        "array of one": b"\x91",
        "map of 64": b"\xde\x00\x40\xa1a",
        "map of 2^32": b"\xdf\xff\xff\xff\xff",
        "map of 15": b"\x8f\xa1a",
        "map whose key is a map": b"\x8f",
        "text of 2^32": b"\xdb\xff\xff\xff\xff",
        "octets of 2^32": b"\xc6\xff\xff\xff\xff",
        "extension of 2^32": b"\xc9\xff\xff\xff\xff\x05",
        "empty lists": b"\x90",
    }
    begins = {
        "": b"",
        "in a map": b"\x81\xa1a",
        "after an empty list": b"\x92\x90",
        "after an extension of no octets": b"\x93\xc7\x00\x05",
        "after an extension of one octet": b"\x93\xd4\x05\x00",
        "after text that looks like a list": b"\x92\xa3\xdc\xff\xff",
        "after octets": b"\x92\xc4\x02\xdc\xff",
        "after a float": b"\x93\xcb" + b"\x90" * 8,
    }
    return {
        f"{what} {where}": (begin + header * caps.octets)[: caps.octets]
        for what, header in headers.items()
        for where, begin in begins.items()
    }


def octets_claimed() -> int:
    """Return by how much this process grew at most while every bomb was refused."""
    made = [(bomb, caps) for caps in (SMALL, LARGE) for bomb in bombs(caps).values()]
    _refuse(b"\x90", LARGE)  # what is allocated once for all
    before = _high_water()
    for bomb, caps in made:
        _refuse(bomb, caps)
    return _high_water() - before


def _refuse(data: bytes, caps: Caps) -> None:
    try:
        unpack(data, caps)
    except MalformedError:
        return
    raise AssertionError("a bomb was accepted")


def _high_water() -> int:
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not imported here
        line = next(line for line in file if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    print(octets_claimed())  # noqa: T201 - read by the test that started it
