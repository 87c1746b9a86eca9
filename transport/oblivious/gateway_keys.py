"""A gateway's public keys, as its clients have them: out of a file, or from the gateway itself.

They are trusted with everything: whoever can put another key in their place reads what is asked. So they never come
by way of the relay. A file is as good as the way that it came; what is fetched is as good as the proof, in TLS,
that it is the gateway that was asked. A gateway that gave each client a key of its own could tell their requests
apart; a file that many have in common, or what another network has fetched at the same time, can be compared (RFC
9458 section 7).

Fetching tells the gateway that somebody at this address is going to ask, though not what. So it is done seldom, and
once for all who wait: keys are kept for as long as gateways such as ours tell everybody to keep them, and whoever
says that one is refused, be it the relay or the gateway, cannot have them fetched whenever it likes.
"""

from typing import Final, Protocol

import trio

from transport.errors import UnreachableError
from transport.http2.messages import Request
from transport.oblivious import key_configs
from transport.oblivious.asking import HttpClient, media_type
from transport.oblivious.key_chain import MAX_KEPT
from transport.oblivious.key_configs import KeyConfig, KeyConfigError
from transport.oblivious.places import WELL_KNOWN

PATIENCE: Final = (
    3_600  # seconds between fetchings, however often keys are said to be refused; ours overlap by a day
)
PAUSE: Final = 1.0  # seconds after keys could not be had in which they are not asked for again

Configs = tuple[KeyConfig, ...]  # at least one, the preferred first


class GatewayKeys(Protocol):
    """Where keys come from."""

    async def at(self, now: float, /) -> Configs:
        """Return the keys.

        Raises:
            UnreachableError: They cannot be had.
        """
        ...

    async def instead_of(self, refused: Configs, now: float, /) -> Configs:
        """Return the keys once more, others if there are any, after these were refused; raises as `at`."""
        ...


class KeptKeys:
    """Keys out of a file; when the gateway has others a new file is needed.

    Args:
        octets: The file's, as `application/ohttp-keys`.

    Raises:
        KeyConfigError: They hold no key that can be used.
    """

    def __init__(self, octets: bytes) -> None:
        self._configs = key_configs.from_wire(octets)

    async def at(self, _now: float, /) -> Configs:
        """Return the keys."""
        return self._configs

    async def instead_of(self, _refused: Configs, _now: float, /) -> Configs:
        """Return the same: there are no others."""
        return self._configs


class FetchedKeys:
    """Keys that the gateway gives, asked directly.

    Args:
        gateway: Asks the gateway itself, proven to be it.
        authority: How errors name it.
        path: Where its keys are.
    """

    def __init__(self, gateway: HttpClient, authority: str, path: str = WELL_KNOWN) -> None:
        self._gateway = gateway
        self._authority = authority
        self._path = path
        self._configs: Configs = ()
        self._fetched = 0.0
        self._failed = -PAUSE
        self._reason = ""  # why they could not be had
        self._fetching = trio.Lock()  # who waits for it has what another fetches

    async def at(self, now: float, /) -> Configs:
        """Return the keys, as fetched within the last MAX_KEPT seconds."""
        return await self._newer_than(MAX_KEPT, now)

    async def instead_of(self, refused: Configs, now: float, /) -> Configs:
        """Return the keys that another has fetched meanwhile, or fetch them, unless that was a moment ago."""
        if self._configs != refused:
            return await self.at(now)
        return await self._newer_than(PATIENCE, now)

    async def _newer_than(self, seconds: float, now: float) -> Configs:
        async with self._fetching:
            if self._configs and 0 <= now - self._fetched < seconds:
                return self._configs
            if 0 <= now - self._failed < PAUSE:
                raise UnreachableError(self._authority, self._reason)
            try:
                self._configs = await self._fetch()
            except UnreachableError as error:
                self._failed, self._reason = now, error.reason
                raise
            self._fetched = now
            return self._configs

    async def _fetch(self) -> Configs:
        response = await self._gateway(Request("GET", self._path, headers=((b"accept", key_configs.MEDIA_TYPE),)))
        if response.status != 200 or media_type(response) != key_configs.MEDIA_TYPE:
            raise UnreachableError(self._authority, f"says {response.status} when asked for its keys")
        try:
            return key_configs.from_wire(response.body)
        except KeyConfigError as error:
            raise UnreachableError(self._authority, str(error)) from error
