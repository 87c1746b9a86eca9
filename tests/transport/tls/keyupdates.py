"""Records of TLS 1.3 made by hand: key updates (RFC 8446 sections 4.6.3 and 7), which no library sends by heaps."""

import struct
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CIPHER = "TLS_AES_256_GCM_SHA384"
HANDSHAKE, APPLICATION_DATA = 22, 23
NOT_REQUESTED, REQUESTED = 0, 1


def client_secret(keys: Path) -> bytes:
    """Return the client's first secret for application data, from the file of `SSLContext.keylog_filename`."""
    for line in keys.read_text().splitlines():
        if line.startswith("CLIENT_TRAFFIC_SECRET_0 "):
            return bytes.fromhex(line.split()[2])
    raise AssertionError("no handshake was logged")


def _expand(secret: bytes, label: str, length: int) -> bytes:
    name = b"tls13 " + label.encode()
    info = struct.pack(">HB", length, len(name)) + name + b"\0"
    return HKDFExpand(hashes.SHA384(), length, info).derive(secret)


class Writer:
    """Writes records as a client does that has sent nothing yet.

    Args:
        secret: From `client_secret`.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._number = 0

    def record(self, kind: int, octets: bytes) -> bytes:
        key, iv = _expand(self._secret, "key", 32), _expand(self._secret, "iv", 12)
        nonce = (int.from_bytes(iv) ^ self._number).to_bytes(12)
        head = struct.pack(">BHH", APPLICATION_DATA, 0x0303, len(octets) + 1 + 16)
        self._number += 1
        return head + AESGCM(key).encrypt(nonce, octets + bytes([kind]), head)

    def key_update(self, request: int) -> bytes:
        made = self.record(HANDSHAKE, bytes([24, 0, 0, 1, request]))
        self._secret, self._number = _expand(self._secret, "traffic upd", 48), 0
        return made
