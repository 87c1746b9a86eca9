"""The client library: look identifiers up, through a resolver or by walking here.

    from resolver.client import lookup, lookup_many, walk

    answer = await lookup("+14155550123", server="127.0.0.1#5300", anchor=Path("anchor.pem"))
    answer = await walk("alice@example.com", anchor=Path("anchor.pem"))

    tls = Way(Protocol.TLS, Certified("dns.example"))
    answer = await lookup("+14155550123", server="192.0.2.1#853", way=tls)

    relay = RelayWay((Endpoint.from_text("198.51.100.1#443"),), Certified("relay.example"))
    async with ObliviousDialer(relay, Clock()).running() as dialer:  # resolver.private_ways; docs/oblivious.md
        https = Way(Protocol.HTTPS, Certified("dns.example"))
        answer = await lookup("+14155550123", server="192.0.2.1#443", way=https, dialer=dialer)

    async with lookup_many(open("numbers.txt"), server="127.0.0.1#5300") as answers:
        async for csi, answer in answers:
            ...

    choice = choose(answer, Context(tags=("Business",)), own_services=["alpha.example"])

Who has a bearer token at a resolver shows it over HTTPS, with `Resource(bearer=token)` in the way.

All but the last give an `Answer` (see `resolver.answer`), and take the least `assurance` that a sender wants to be
shown (see `resolver.demand`). `choose` carries out what the recipient prefers (see `resolver.choice`): it verifies
nothing and asks nobody. A caller keeps `choice.pick.ssi` and gives it again as `Context.earlier`, so that a pick
which the recipient left open is made once, whether a contact is added or a message sent; and stays with that pick
while `choice.unsure` names somebody, or asks for the rest with `complete_directly`.

Under trio. `API_VERSION` goes up when a caller would have to change; what is not named in `__all__` may change at
any time.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import trio

from resolver import direct
from resolver.answer import Answer, Case, Reach, Row, Via, from_judgement
from resolver.asked import Asked
from resolver.batch import Batch, Turn
from resolver.choice import Choice, Context, Why, choose
from resolver.demand import demanding
from resolver.finder import Finder
from resolver.reading import Manner
from resolver.settings import Settings
from resolver.stub import Stub, Tries
from resolver.way import PLAIN, STREAM, Way
from transport.clock import Clock
from transport.dialer import Dialer, SocketDialer
from transport.endpoint import Endpoint
from transport.errors import UnreachableError
from transport.handler import Protocol
from transport.proof import Certified, Pinned, Unproven
from transport.resource import Resource
from transport.stream_link import connect_stream
from transport.tls.client import connecting
from zonedata import identifiers
from zonedata.errors import MalformedError, UntrustedError
from zonedata.identifiers import Csi
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance
from zonedata.opening import Claim
from zonedata.trust import Trust, read_anchor
from zonedata.wire import QType

API_VERSION = 1

_Given = tuple[str, MalformedError | None]  # an identifier as it was given, and what is wrong with it

__all__ = [
    "API_VERSION",
    "Answer",
    "Assurance",
    "Case",
    "Certified",
    "Choice",
    "Context",
    "MalformedError",
    "Outcome",
    "Pinned",
    "Protocol",
    "Reach",
    "Resource",
    "Row",
    "Settings",
    "Stub",
    "Tries",
    "Unproven",
    "UnreachableError",
    "UntrustedError",
    "Walker",
    "Way",
    "Why",
    "choose",
    "complete_directly",
    "lookup",
    "lookup_many",
    "walk",
]


class Walker:
    """The same walk as a resolver makes, in the caller's own process; keeps what it learns."""

    def __init__(self, trust: Trust, dialer: Dialer, clock: Clock, settings: Settings | None = None) -> None:
        self._finder = Finder(trust, dialer, clock, settings or Settings())

    async def lookup(self, csi: Csi, observe: Callable[[Asked], None] | None = None) -> Answer:
        """Find out about one identifier; what is verified here is verified.

        Args:
            csi: The identifier.
            observe: Told of every exchange with a server.
        """
        start = trio.current_time()
        found = await (self._finder.find(csi.owner, observe) if observe else self._finder.find(csi.owner))
        claims = [Claim(opened.sealed, opened.statement) for opened in found.judgement.evidence]
        via = Via("", Protocol.UDP, (trio.current_time() - start) * 1000)
        return from_judgement(csi, found.judgement, claims, via)


def _read_anchors(anchor: Path | None, beside: Sequence[Path]) -> tuple[Trust | None, tuple[Trust, ...]]:
    """Return the first anchor and the further ones."""
    read = [read_anchor(path) for path in ([anchor] if anchor is not None else []) + [*beside]]
    return (read[0], tuple(read[1:])) if read else (None, ())


async def lookup(  # noqa: PLR0913 - as lookup_many
    csi: str,
    *,
    server: str = "127.0.0.1#53",
    way: Way = PLAIN,
    anchor: Path | None = None,
    beside: Sequence[Path] = (),
    assurance: Assurance = Assurance.ASSERTED,
    dialer: Dialer | None = None,
) -> Answer:
    """Ask a resolver, and verify its proof when there is an anchor.

    Args:
        csi: A telephone number or an e-mail address, as people write it.
        server: The resolver's address and port.
        way: Over what it is asked, and how it proves who it is.
        anchor: The trust anchor's file.
        beside: Files of the anchors of further trees; each is judged by itself, and all must be shown.
        assurance: The least that is to be shown as found. Without an anchor it is the resolver's word, as all is.
        dialer: What asks, open, for many look-ups or by way of a relay; one of its own where there is none.

    Raises:
        MalformedError: `csi` is no identifier, or the anchor's file is damaged.
        UntrustedError: The anchor is not signed by its own keys.
        UnreachableError: The resolver gave no answer.
    """
    asked = identifiers.parse(csi)
    trust, further = _read_anchors(anchor, beside)
    endpoint = Endpoint.from_text(server)
    async with AsyncExitStack() as stack:
        if dialer is None:
            dialer = await stack.enter_async_context(SocketDialer())
        try:
            stub = Stub([endpoint], dialer, Clock(), trust=trust, beside=further, least=assurance, way=way)
            return await stub.lookup(asked)
        except UnreachableError as error:
            unreachable = error
    raise unreachable  # outside of our dialer's nursery, which would wrap it in a group


@asynccontextmanager
async def lookup_many(  # noqa: PLR0913 - all but one by name, each with a default
    csis: Iterable[str] | AsyncIterable[str],
    *,
    server: str = "127.0.0.1#53",
    way: Way = STREAM,
    anchor: Path | None = None,
    beside: Sequence[Path] = (),
    proof: bool = True,
    tries: Tries | None = None,
    assurance: Assurance = Assurance.ASSERTED,
) -> AsyncGenerator[AsyncIterator[tuple[str, Answer | MalformedError | UnreachableError]]]:
    """Ask a resolver about any number of identifiers over one connection.

    Gives a context with an iterator of (identifier as it was given, what came of it), in the order in which they
    were given. What concerns one identifier is a value, and the others go on: `MalformedError` when it is none,
    `UnreachableError` when no try brought an answer. At most some thousand are held at a time, so the identifiers
    may be the lines of a file of any length; blanks around them are passed over. A plain iterable is read in this
    task's thread, and what waits in it lets all wait. What an iterable raises is raised after its last answer.

    Args:
        csis: Telephone numbers and e-mail addresses, as people write them.
        server: The resolver's address and port. A connection that ends is made again.
        way: Over TCP, or over TLS and how the resolver proves who it is.
        anchor: The trust anchor's file, to verify every proof; each statement about a zone is verified once.
        beside: As in `lookup`.
        proof: Ask for the proof, so that an answer says of every authority how it stands. Without it, for what the
            resolver accepts alone: nothing is verified here, and it costs all concerned a fraction.
        tries: How long and how often to ask.
        assurance: As in `lookup`.

    Raises:
        MalformedError: The anchor's file is damaged.
        UntrustedError: The anchor is not signed by its own keys.
        ValueError: `way` is over something else.
    """
    trust, further = _read_anchors(anchor, beside)
    manner = Manner(QType.PROOF if proof else QType.CSI, trust=trust, beside=further, least=assurance)
    if way.protocol not in {Protocol.TCP, Protocol.TLS}:
        raise ValueError(f"many are asked over one stream, TCP or TLS, and not over {way.protocol}")
    connect = connect_stream if way.proof is None else connecting(way.proof)
    batch: Batch[_Given] = Batch(Endpoint.from_text(server), tries or Tries(), connect, way.protocol)
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(batch.run)
        nursery.start_soon(_ask_all, csis, batch, manner)
        try:
            async with aclosing(_tell_all(batch, Clock())) as answers:
                yield answers
        except Exception as error:  # noqa: BLE001 - the caller's, raised again below
            raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised  # outside of the nursery, which would wrap it in a group


async def _ask_all(
    csis: Iterable[str] | AsyncIterable[str],
    batch: Batch[_Given],
    manner: Manner,
) -> None:
    async def take(text: str) -> None:
        await batch.wait_room()
        try:
            csi = identifiers.parse(text.strip())
        except MalformedError as error:
            batch.take(Turn(label=(text, error), is_done=True))
        else:
            batch.ask(Turn(label=(text, None), csi=csi, manner=manner))

    try:
        if isinstance(csis, AsyncIterable):
            async for text in csis:
                await take(text)
        else:
            for text in csis:
                await take(text)
    except Exception as error:  # noqa: BLE001 - the caller's iterable: it is to learn of it where it waits
        batch.end(error)
    else:
        batch.end()


async def _tell_all(
    batch: Batch[_Given], clock: Clock
) -> AsyncGenerator[tuple[str, Answer | MalformedError | UnreachableError]]:
    while turns := await batch.told():
        now = clock.now()
        for turn in turns:
            text, error = turn.label
            yield text, error or batch.answer(turn, now)


async def complete_directly(
    answer: Answer,
    *,
    anchor: Path,
    settings: Settings | None = None,
    assurance: Assurance = Assurance.ASSERTED,
) -> Answer:
    """Ask each authority that the proof of an answer shows no word of, from here, and judge again.

    Each learns who asks about whom, so it is for senders who do not want to leave it to their resolver. See
    `resolver.direct`; servers at private addresses or low ports are asked only if `settings` say so.

    Args:
        answer: Of `lookup` or `lookup_many` with an anchor.
        anchor: The trust anchor's file.
        settings: What an operator may set.
        assurance: As in `lookup`; of the whole, so the one given there is to be given again.

    Raises:
        MalformedError: The anchor's file is damaged.
        UntrustedError: The anchor is not signed by its own keys.
    """
    trust = read_anchor(anchor)
    async with SocketDialer() as dialer:
        completed = await direct.complete_directly(answer, trust, dialer, Clock(), settings)
    return demanding(completed, assurance)


async def walk(
    csi: str, *, anchor: Path, settings: Settings | None = None, assurance: Assurance = Assurance.ASSERTED
) -> Answer:
    """As `lookup`, without a resolver: from the root's servers that the anchor's file names.

    Raises:
        MalformedError: As `lookup`.
        UntrustedError: As `lookup`.
    """
    asked, trust = identifiers.parse(csi), read_anchor(anchor)
    async with SocketDialer() as dialer:
        return demanding(await Walker(trust, dialer, Clock(), settings).lookup(asked), assurance)
