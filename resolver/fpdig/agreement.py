"""Whether the options of one question agree with each other. Pure."""

from collections.abc import Iterator

from resolver.fpdig.options import Options
from transport.handler import Protocol
from transport.proof import Unproven


def disagreements(options: Options, *, is_batch: bool) -> Iterator[str]:
    """Say what of one question's options does not go together.

    Args:
        options: Of one question, or of all of a batch.
        is_batch: Whether it is of a batch.
    """
    if options.trace and not options.anchor:
        yield "+trace walks from a trust anchor: give --anchor FILE"
    if options.direct and not options.anchor:
        yield "+direct completes a proof that is verified here: give --anchor FILE"
    if options.direct and options.csi:
        yield "+direct completes a proof, and +csi asks for none"
    if options.direct and options.trace:
        yield "+trace asks each party itself: +direct has no meaning there"
    if options.trace and options.csi:
        yield "+trace asks each party for all it has: +csi has no meaning there"
    yield from _of_the_way(options)
    if options.bearer:
        yield from _of_a_name(options)
    yield from _of_what_is_kept(options, is_batch=is_batch)


def _of_what_is_kept(options: Options, *, is_batch: bool) -> Iterator[str]:
    if options.beside:
        walks = [f"+{name}" for name in ("trace", "direct") if getattr(options, name)]
        for flag in [*walks, *(flag for flag, _ in options.kept)]:
            yield f"{flag} is for one tree: give one --anchor FILE"
    for flag, _ in options.kept:
        if is_batch:
            yield f"{flag} keeps one answer: it is not for a batch"
        if not options.anchor:
            yield f"{flag} keeps what was verified: give --anchor FILE"
        if options.trace or options.csi:
            yield f"{flag} keeps the proof in a resolver's answer: +csi and +trace bring none"


def _of_the_way(options: Options) -> Iterator[str]:
    demands = [f"+{flag.replace('_', '-')}" for flag in ("tls_hostname", "tls_pin") if getattr(options, flag)]
    demands += ["+tls-ca"] if options.tls_ca is not None else []
    if demands and not options.over.is_encrypted:
        yield f"{demands[0]} is for what is encrypted: +tls, +https, +quic or @https://..."
    if (options.oblivious or options.token) and options.over is not Protocol.HTTPS:
        yield f"{'+oblivious' if options.oblivious else '+token'} is for DNS over HTTPS: @https://... or +https"
    is_unproven = options.over is Protocol.HTTPS and isinstance(options.way.proof, Unproven)
    if options.oblivious and not options.oblivious_keys and is_unproven:
        yield "+oblivious takes keys from a resolver that proves who it is: @https://NAME, +tls-ca or +tls-pin"
    for walks in ("trace", "direct"):
        if options.oblivious and getattr(options, walks):
            yield f"+{walks} asks authorities itself, so that they see who asks: not with +oblivious"
    if options.oblivious_keys and not options.oblivious:
        yield "+oblivious-keys are of a resolver that is asked by way of a relay: +oblivious=URL"


def _of_a_name(options: Options) -> Iterator[str]:
    if options.over is not Protocol.HTTPS:
        yield "+bearer is for DNS over HTTPS: @https://... or +https"
    elif isinstance(options.way.proof, Unproven):
        yield "+bearer is shown to nobody who has not proven who it is: @https://..., +tls-ca or +tls-pin"
    for flag, what in (("oblivious", "hides who asks"), ("token", "pays without a name")):
        if getattr(options, flag):
            yield f"+bearer tells who asks, and +{flag} {what}: one of them"
