"""The dialer for +oblivious and +token: by way of a relay, or paying for what is asked. A shell."""

from contextlib import AsyncExitStack
from pathlib import Path

from resolver.fpdig.naming import find_endpoints
from resolver.fpdig.options import Options
from resolver.private_ways import (
    EmptyWalletError,
    NoKeysError,
    ObliviousDialer,
    Payer,
    RelayWay,
    kept_keys,
    no_fields,
)
from resolver.way import PORTS
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.oblivious import places
from transport.proof import Certified


async def opened_dialer(options: Options, clock: Clock, stack: AsyncExitStack) -> Dialer | str:
    """Open it until the stack is left; return what is wrong if it cannot be."""
    fields = no_fields
    if options.token:
        try:
            fields = Payer(Path(options.token), clock).fields
        except EmptyWalletError as error:
            return str(error)
    if options.oblivious is None:
        return await stack.enter_async_context(SocketDialer(fields))
    url = options.oblivious
    keys = Path(options.oblivious_keys) if options.oblivious_keys else None
    proof = Certified(url.host, Path(options.tls_ca) if options.tls_ca else None)
    try:
        if keys is not None:
            kept_keys(keys)
        found = await find_endpoints(Endpoint(url.host, url.port or PORTS[Protocol.HTTPS]))
    except (NoKeysError, UnreachableError) as error:
        return str(error)
    relay = RelayWay(found[0], proof, url.path or places.RELAY, keys)
    return await stack.enter_async_context(ObliviousDialer(relay, clock, fields).running())
