"""Answering with authority: one engine for root, registry and MSP, and the signing of what it answers.

    zone source, listings -> signing -> store             (`fingerpost sign`, off-line keys)
    datagram -> service -> engine (store) -> reply        (`fingerpost serve`, the deny key alone)

Root, registry and MSP differ in what lies in their store, not in code. Everything but `publishing` is pure;
nothing here knows how resolvers find out.
"""
