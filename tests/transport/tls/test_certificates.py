"""Certificates of one's own, and the pins by which they are known."""

import ssl
from pathlib import Path

import trio
from trio.testing import memory_stream_pair

from tests.certificates import write_certificate


async def test_of_several_own_certificates_of_one_name_each_is_found(tmp_path: Path) -> None:
    """A client may trust a file with those of several servers that are called alike."""
    files = [write_certificate(tmp_path, "localhost", stem=stem) for stem in ("one", "two")]
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(certificate.read_bytes() for certificate, _ in files))
    context = ssl.create_default_context(cafile=both)
    for certificate, key in files:
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(certificate, key)
        ours, theirs = memory_stream_pair()
        client = trio.SSLStream(ours, context, server_hostname="localhost")
        server = trio.SSLStream(theirs, serving, server_side=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.do_handshake)
            nursery.start_soon(server.do_handshake)
