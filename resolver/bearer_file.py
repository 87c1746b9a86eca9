"""The file of a secret that names a client over HTTP (RFC 6750): one line, which nobody else reads."""

from pathlib import Path

from transport.bearer import MAX_TOKEN, is_token
from zonedata import private_file
from zonedata.errors import MalformedError


def read(path: Path) -> str:
    """Return it.

    Raises:
        UntrustedError: Others than the owner may read or write the file.
        MalformedError: It cannot be read, or does not hold one line; what it holds is not said.
    """
    octets = private_file.read(path, MAX_TOKEN + 1, "may have read it: ask for another")
    words = octets.decode("latin-1").split()
    if len(words) != 1 or not is_token(words[0]):
        raise MalformedError("does not hold one line, the secret")
    return words[0]
