"""Which dialer +oblivious and +token open, and what is said when it cannot be opened."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from resolver.fpdig import private
from resolver.fpdig.options import DEFAULTS, Options
from resolver.fpdig.private import opened_dialer
from resolver.fpdig.url import read_relay
from resolver.private_ways import ObliviousDialer, RelayWay
from tests.transport.tokens.mint import CHALLENGE
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.proof import Certified
from transport.tokens.wallet import Wallet

BY_RELAY = Options(oblivious=read_relay("https://192.0.2.1:8443/r"))


def relay(host: str, port: int, authorities: Path | None = None, path: str = "/relay") -> RelayWay:
    return RelayWay(Endpoint(host, port), Certified(host, authorities), path)


async def opened(options: Options) -> Dialer | str:
    """Open it and close it again; nobody is asked."""
    async with AsyncExitStack() as stack:
        return await opened_dialer(options, Clock(), stack)


async def test_with_a_token_and_no_relay_it_is_a_dialer_that_pays(tmp_path: Path) -> None:
    Wallet.create(tmp_path / "wallet", CHALLENGE).close()
    dialer = await opened(Options(token=str(tmp_path / "wallet")))
    assert isinstance(dialer, SocketDialer)
    with pytest.raises(UnreachableError, match="holds no token"):
        dialer._fields()
    plain = await opened(DEFAULTS)
    assert isinstance(plain, SocketDialer)
    assert plain._fields() == ()


@pytest.mark.parametrize(
    ("options", "way"),
    [
        (BY_RELAY, relay("192.0.2.1", 8_443, path="/r")),
        (
            Options(oblivious=read_relay("https://192.0.2.1"), tls_ca="ca.pem"),
            relay("192.0.2.1", 443, Path("ca.pem")),
        ),
        (
            Options(oblivious=read_relay("https://[::1]"), tls_ca="", tls_pin=bytes(32), tls_hostname="a.example"),
            relay("::1", 443),  # pin and name are the resolver's
        ),
    ],
)
async def test_by_way_of_a_relay_that_has_a_certificate_for_its_name(options: Options, way: RelayWay) -> None:
    dialer = await opened(options)
    assert isinstance(dialer, ObliviousDialer)
    assert dialer._relay == way


async def test_the_address_of_a_relay_that_is_given_by_its_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(server: Endpoint) -> list[Endpoint]:
        assert server == Endpoint("relay.example", 443)
        return [Endpoint("192.0.2.7", 443), Endpoint("192.0.2.8", 443)]

    monkeypatch.setattr(private, "find_endpoints", found)
    dialer = await opened(Options(oblivious=read_relay("https://relay.example")))
    assert isinstance(dialer, ObliviousDialer)
    assert dialer._relay.endpoint == Endpoint("192.0.2.7", 443)
    assert dialer._relay.proof == Certified("relay.example")


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
