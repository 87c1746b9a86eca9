"""Bytes on sockets: listeners that are handed a handler, dialers that are handed bytes.

This room knows no names and no DNS, beyond two facts: a message starts with a two-octet id, and on a stream
two octets of length stand before it. What a message means, whether it is malformed and what it deserves is
the handler's business.

The way in, forward only:

    datagram -> udp_listener (drains the socket in batches, one clock reading a batch) -> handler
    stream   -> tcp_listener (slots) -> stream_session (patience, pipelining) -> framing -> handler

    handler -> bytes: sent at once
            -> None: silence
            -> Later: a task in the later pool, which all listeners share -> sent when it is ready

The way out:

    message -> dialer -> datagram_pool (ports per endpoint, picked at random, soon renewed) -> datagram_port, or
                      -> stream_link (one per endpoint, ids rewritten) -> framing -> the other side
    reply   -> by its id to `accept` of whoever asked: anything it does not accept is forged or late, and ignored

At a bound, datagrams are dropped and counted, and streams are read no further. Time comes from `clock`;
`grace` is how work outlives the listener that began it. Tasks are started in a nursery opened elsewhere in
three places: connections of a listener, `LaterPool` and `SocketDialer`; their docstrings say why.
"""
