"""Which dialer +oblivious and +token open, and what is said when it cannot be opened."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from resolver.fpdig import private
from resolver.fpdig.options import DEFAULTS, Options
from resolver.fpdig.private import opened_dialer
from resolver.fpdig.url import read_relay
from resolver.private_ways import ObliviousDialer
from tests.transport.tokens.mint import CHALLENGE
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.proof import Certified
from transport.tokens.wallet import Wallet

BY_RELAY = Options(oblivious=read_relay("https://192.0.2.1:8443/r"))


async def opened(options: Options) -> Dialer | str:
    """Open it and close it again; nobody is asked."""
    async with AsyncExitStack() as stack:
        return await opened_dialer(options, Clock(), stack)


async def test_without_a_relay_it_asks_by_itself(tmp_path: Path) -> None:
    assert isinstance(await opened(DEFAULTS), SocketDialer)
    Wallet.create(tmp_path / "wallet", CHALLENGE).close()
    paying = await opened(Options(token=str(tmp_path / "wallet")))
    assert not isinstance(paying, ObliviousDialer | str)


@pytest.mark.parametrize(
    ("options", "there", "proof", "path"),
    [
        (BY_RELAY, Endpoint("192.0.2.1", 8_443), Certified("192.0.2.1"), "/r"),
        (
            Options(oblivious=read_relay("https://relay.example"), tls_ca="ca.pem"),
            Endpoint("relay.example", 443),
            Certified("relay.example", Path("ca.pem")),
            "/relay",
        ),
        (
            Options(oblivious=read_relay("https://[::1]"), tls_ca="", tls_pin=bytes(32), tls_hostname="a.example"),
            Endpoint("::1", 443),
            Certified("::1"),  # pin and name are the resolver's
            "/relay",
        ),
    ],
)
async def test_a_relay_has_a_certificate_for_its_name(
    options: Options, there: Endpoint, proof: Certified, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(server: Endpoint) -> list[Endpoint]:
        assert server == there
        return [Endpoint("192.0.2.7", server.port), Endpoint("192.0.2.8", server.port)]

    monkeypatch.setattr(private, "find_endpoints", found)
    dialer = await opened(options)
    assert isinstance(dialer, ObliviousDialer)
    assert (dialer._relay.proof, dialer._relay.path) == (proof, path)


async def test_what_cannot_be_opened_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(server: Endpoint) -> list[Endpoint]:
        raise UnreachableError(server.to_text(), "its address was not found: unknown")

    (tmp_path / "junk").write_bytes(b"junk" * 300)
    junk = str(tmp_path / "junk")
    for options in (Options(token=junk), Options(oblivious=BY_RELAY.oblivious, oblivious_keys=junk)):
        said = await opened(options)
        assert isinstance(said, str)
        assert "junk" in said
    missing = await opened(Options(oblivious=BY_RELAY.oblivious, oblivious_keys=str(tmp_path / "none")))
    assert isinstance(missing, str)
    assert missing.endswith("none: cannot be read: No such file or directory")
    monkeypatch.setattr(private, "find_endpoints", nowhere)
    assert await opened(BY_RELAY) == "192.0.2.1#8443: its address was not found: unknown"
