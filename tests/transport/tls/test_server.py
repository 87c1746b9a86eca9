"""The side of the server, over streams in memory; certificates are real."""

import ssl
from pathlib import Path

import pytest
import trio
from trio.testing import memory_stream_pair

from tests.certificates import write_certificate
from tests.transport.tls.shaking import credentials, der_of, issue, shake, ticket, trusting
from transport.tls.credentials import Credentials, CredentialsError
from transport.tls.server import ServerTls
from transport.tls.stream import Alpn


def _knowing(context: ssl.SSLContext, place: Path, stem: str) -> ssl.SSLContext:
    """Have a client show a certificate."""
    context.load_cert_chain(place / f"{stem}.crt", place / f"{stem}.key")
    return context


@pytest.mark.parametrize(
    ("offered", "agreed"), [(("dot",), "dot"), ((), None), (("http/1.1",), None), (("h2", "dot"), "dot")]
)
async def test_a_client_is_served_whatever_it_calls_the_protocol(
    tmp_path: Path, offered: tuple[str, ...], agreed: str | None
) -> None:
    shaken = await shake(ServerTls(credentials(tmp_path)), trusting(*offered))
    assert shaken.client.version() == "TLSv1.3"
    assert shaken.client.selected_alpn_protocol() == agreed
    assert (shaken.secured.identity, shaken.secured.is_resumed) == ("", False)
    assert await shaken.carry() == b"message reply"


async def test_http_2_is_for_those_who_ask_for_it(tmp_path: Path) -> None:
    server = ServerTls(credentials(tmp_path))
    shaken = await shake(server, trusting("h2", "http/1.1"), Alpn.H2)
    assert shaken.client.selected_alpn_protocol() == "h2"
    for others in ((), ("dot",), ("http/1.1",)):
        with pytest.raises(trio.BrokenResourceError, match="has not asked for h2"):
            await shake(server, trusting(*others), Alpn.H2)


async def test_an_older_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(trio.BrokenResourceError) as caught:
        await shake(ServerTls(credentials(tmp_path)), trusting(newest=ssl.TLSVersion.TLSv1_2))
    assert getattr(caught.value.__cause__, "reason", "") == "UNSUPPORTED_PROTOCOL"


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 70_000, b"\x16\x03\x01\xff\xff" + b"\0" * 70_000, b"\0\x0dquestion"],
)
async def test_what_is_no_tls_is_refused(tmp_path: Path, garbage: bytes) -> None:
    client, there = memory_stream_pair()
    await client.send_all(garbage)
    with pytest.raises(trio.BrokenResourceError):
        await ServerTls(credentials(tmp_path)).handshake(there)


async def test_a_client_that_leaves_amid_is_told_from_a_bug(tmp_path: Path) -> None:
    client, there = memory_stream_pair()
    await client.send_all(b"\x16\x03\x01")
    await client.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await ServerTls(credentials(tmp_path)).handshake(there)


async def test_a_client_resumes(tmp_path: Path) -> None:
    server, context = ServerTls(credentials(tmp_path)), trusting("dot")
    first = await ticket(await shake(server, context))
    second = await shake(server, context, session=first)
    assert second.secured.is_resumed
    assert second.client.session_reused
    assert await second.carry() == b"message reply"


async def test_what_one_protocol_gave_is_nothing_to_another(tmp_path: Path) -> None:
    server, context = ServerTls(credentials(tmp_path)), trusting("dot", "h2")
    session = await ticket(await shake(server, context))
    assert not (await shake(server, context, Alpn.H2, session)).secured.is_resumed


async def test_another_certificate_is_for_new_handshakes_and_ends_nothing(tmp_path: Path) -> None:
    old, new = credentials(tmp_path, stem="old"), credentials(tmp_path, stem="new")
    server, context = ServerTls(old), trusting("dot")
    session = await ticket(await shake(server, context))
    before = await shake(server, context)
    server.take(new)
    after = await shake(server, context)
    assert (before.shown(), after.shown()) == (old.chain.certificates[0], new.chain.certificates[0])
    assert await before.carry() == b"message reply"
    assert (await shake(server, context, session=session)).secured.is_resumed, "tickets outlive a certificate"
    assert (await shake(server, trusting("h2"), Alpn.H2)).shown() == new.chain.certificates[0]


async def test_what_cannot_be_served_with_changes_nothing(tmp_path: Path) -> None:
    sound, other = credentials(tmp_path, stem="sound"), credentials(tmp_path, stem="other")
    server, mixed = ServerTls(sound), Credentials(other.chain, sound.key)
    with pytest.raises(CredentialsError, match="cannot be served with: KEY_VALUES_MISMATCH"):
        server.take(mixed, {b"no certificate": "nobody"})
    assert (await shake(server, trusting())).shown() == sound.chain.certificates[0]
    with pytest.raises(CredentialsError):
        ServerTls(mixed)
    with pytest.raises(CredentialsError):
        server.take(sound, {b"no certificate": "nobody"})
    assert (await shake(server, trusting())).secured.identity == ""


async def test_a_machine_out_of_descriptors_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_name: str) -> int:
        raise OSError(24, "Too many open files")

    sound, other = credentials(tmp_path, stem="sound"), credentials(tmp_path, stem="other")
    server = ServerTls(sound)
    monkeypatch.setattr("os.memfd_create", refused)
    with pytest.raises(CredentialsError, match="Too many open files"):
        server.take(other)
    assert (await shake(server, trusting())).shown() == sound.chain.certificates[0]


# --- clients that say who they are -----------------------------------------------------------------------------


def _server_of_two(place: Path) -> ServerTls:
    """Make a server that knows two clients; a third has a certificate, too."""
    for stem in ("ann", "bob", "eve"):
        credentials(place, f"{stem}.example", stem=stem)
    return ServerTls(credentials(place), {der_of(place, "ann"): "Ann", der_of(place, "bob"): "Bob"})


async def test_clients_are_known_by_their_certificates(tmp_path: Path) -> None:
    server = _server_of_two(tmp_path)
    for stem, name in (("ann", "Ann"), ("bob", "Bob")):
        shaken = await shake(server, _knowing(trusting("dot"), tmp_path, stem))
        assert shaken.secured.identity == name
        assert await shaken.carry() == b"message reply"
    assert (await shake(server, trusting("dot"))).secured.identity == ""
    assert (await shake(server, _knowing(trusting("h2"), tmp_path, "ann"), Alpn.H2)).secured.identity == "Ann"


async def test_a_certificate_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(trio.BrokenResourceError):
        await shake(_server_of_two(tmp_path), _knowing(trusting("dot"), tmp_path, "eve"))


async def test_a_client_is_its_own_certificate_and_neither_what_is_above_nor_what_is_below(tmp_path: Path) -> None:
    write_certificate(tmp_path, stem="root")
    issue(tmp_path, "root", "root")
    for stem, issuer in (("ann", "root"), ("bob", "root"), ("below", "ann")):
        issue(tmp_path, stem, issuer)
    server = ServerTls(credentials(tmp_path), {der_of(tmp_path, "ann"): "Ann"})
    assert (await shake(server, _knowing(trusting(), tmp_path, "ann"))).secured.identity == "Ann"
    for stem in ("root", "bob", "below"):
        with pytest.raises(trio.BrokenResourceError):
            await shake(server, _knowing(trusting(), tmp_path, stem))


async def test_who_resumes_is_the_same_client(tmp_path: Path) -> None:
    server = _server_of_two(tmp_path)
    context = _knowing(trusting("dot"), tmp_path, "ann")
    session = await ticket(await shake(server, context))
    secured = (await shake(server, context, session=session)).secured
    assert (secured.identity, secured.is_resumed) == ("Ann", True)


async def test_who_is_known_no_longer_is_refused_with_a_ticket_too(tmp_path: Path) -> None:
    server = _server_of_two(tmp_path)
    context = _knowing(trusting("dot"), tmp_path, "ann")
    session = await ticket(await shake(server, context))
    server.take(credentials(tmp_path), {der_of(tmp_path, "bob"): "Bob"})
    for again in (session, None):
        with pytest.raises(trio.BrokenResourceError, match="not known"):
            await shake(server, context, session=again)
