"""Daemons that take requests in plain HTTP: on this machine, unless the configuration allows more. Pure."""

from collections.abc import Iterator

from fingerpost import readers
from fingerpost.definitions import Given, Key, Section
from fingerpost.toml_lines import Where
from transport.endpoint import Endpoint

ALLOW_PLAIN = Key(
    "allow_plain",
    readers.flag,
    "true or false",
    "whether plain HTTP may leave this machine",
    default=False,
)


def exposed(section: Section, http: Key[tuple[Endpoint, ...]], given: Given) -> Iterator[tuple[Where, str]]:
    """Say at which addresses of a section it would leave this machine although that is not allowed."""
    endpoints = given.get(http)
    if endpoints is None or given.get(ALLOW_PLAIN):
        return
    for index, endpoint in enumerate(endpoints):
        if not endpoint.is_loopback:
            reason = (
                f"{endpoint.to_text()} is no loopback address, and plain HTTP is not encrypted; "
                "'allow_plain = true' allows it"
            )
            yield section.where(http.name, index), reason
