"""Whether the library of DNS over QUIC is there: it is an extra of the installation, and its version is held."""

from collections.abc import Iterator
from importlib import metadata

from fingerpost import sections as s
from fingerpost.agreement import Disagreement
from fingerpost.definitions import Given

LIBRARY = "aioquic"
SERIES = "1.7."  # whose insides `transport/quic/bounds.py` knows; as in pyproject.toml
INSTALL = "pip install 'fingerpost[quic]'"


def is_there() -> bool:
    """Say whether DNS over QUIC can be spoken."""
    try:
        return metadata.version(LIBRARY).startswith(SERIES)
    except metadata.PackageNotFoundError:
        return False


def missing(listen: Given) -> Iterator[Disagreement]:
    """Say what has to be installed for [listen], if anything has to."""
    if not listen.is_there or not listen.get(s.QUIC):
        return
    where = s.LISTEN.where(s.QUIC.name)
    try:
        found = metadata.version(LIBRARY)
    except metadata.PackageNotFoundError:
        yield where, f"needs the library {LIBRARY}, which is not installed: {INSTALL}"
        return
    if not found.startswith(SERIES):
        yield where, f"needs the library {LIBRARY} {SERIES}x, and {found} is installed: {INSTALL}"
