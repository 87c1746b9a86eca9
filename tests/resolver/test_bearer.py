"""The file of a token, and where a token is not shown; fingerpost/test_named_by_token.py has the whole."""

from pathlib import Path

import pytest

from resolver import bearer_file
from resolver.private_ways import ObliviousDialer, RelayWay
from transport.clock import Clock
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Certified
from transport.resource import Resource
from zonedata.errors import MalformedError, UntrustedError

THERE = Endpoint("192.0.2.1", 443)


async def test_nobody_shows_a_name_by_way_of_a_relay() -> None:
    proof, named = Certified("dns.example"), Resource(bearer="secret")
    dialer = ObliviousDialer(RelayWay((THERE,), proof), Clock())
    with pytest.raises(UnreachableError, match="is not to know who asks"):
        await dialer.exchange(THERE, Protocol.HTTPS, b"ID", lambda _: True, proof=proof, resource=named)


def test_a_token_is_read_out_of_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "my.token"
    file.touch(0o600)
    for octets in (b"abc", b" abc\n", b"abc=\r\n"):
        file.write_bytes(octets)
        assert bearer_file.read(file) == octets.strip().decode()
    for octets in (b"", b"a b", b"a,b", b"\xff", b"x" * 129):
        file.write_bytes(octets)
        with pytest.raises(MalformedError, match="does not hold one line, the secret"):
            bearer_file.read(file)
    file.chmod(0o620)
    with pytest.raises(UntrustedError, match="has mode 0620, so others may have read it"):
        bearer_file.read(file)
