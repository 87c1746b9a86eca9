"""The dialer for +oblivious and +token: by way of a relay, or paying for what is asked. A shell."""

from contextlib import AsyncExitStack
from pathlib import Path

from resolver.fpdig.naming import find_endpoints
from resolver.fpdig.options import Options
from resolver.private_ways import (
    EmptyWalletError,
    NoKeysError,
    ObliviousDialer,
    PaidDialer,
    Payer,
    RelayWay,
)
from resolver.way import PORTS
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.http2.messages import MakeHeaders, no_headers
from transport.oblivious import places
from transport.proof import Certified


async def opened_dialer(options: Options, clock: Clock, stack: AsyncExitStack) -> Dialer | str:
    """Open it until the stack is left; return what is wrong if it cannot be."""
    if not options.token:
        return await _opened(options, clock, stack, no_headers)
    try:
        payer = Payer(Path(options.token), clock)
    except EmptyWalletError as error:
        return str(error)
    stack.callback(payer.close)
    opened = await _opened(options, clock, stack, payer.fields)
    return opened if isinstance(opened, str) else PaidDialer(opened, payer)


async def _opened(options: Options, clock: Clock, stack: AsyncExitStack, fields: MakeHeaders) -> Dialer | str:
    if options.oblivious is None:
        return await stack.enter_async_context(SocketDialer(fields))
    url = options.oblivious
    keys = Path(options.oblivious_keys) if options.oblivious_keys else None
    proof = Certified(url.host, Path(options.tls_ca) if options.tls_ca else None)
    try:
        found = await find_endpoints(Endpoint(url.host, url.port or PORTS[Protocol.HTTPS]))
        dialer = ObliviousDialer(RelayWay(tuple(found), proof, url.path or places.RELAY, keys), clock, fields)
    except (NoKeysError, UnreachableError) as error:
        return str(error)
    return await stack.enter_async_context(dialer.running())
