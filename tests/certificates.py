"""Certificates and keys for servers and clients in tests, in files."""

import time
from pathlib import Path

from transport.tls.certificates import self_signed


def write_certificate(place: Path, *names: str, stem: str = "tls") -> tuple[Path, Path]:
    """Make a key and a certificate that it signs itself; return the files, the certificate's first."""
    certificate, key = self_signed(names or ("localhost", "127.0.0.1"), time.time())
    files = place / f"{stem}.crt", place / f"{stem}.key"
    files[0].write_bytes(certificate)
    files[1].write_bytes(key)
    files[1].chmod(0o600)
    return files
