"""DNS over QUIC (RFC 9250): a listener and a link, on aioquic's connections and trio's clock.

    datagram -> listener (reads the socket) -> server (whose connection?) -> door (may there be a new one?)
             -> session (one connection, and its streams: octets in, queries out, patience) -> handler
    message  -> link (one connection out, a stream for each exchange) -> datagrams

aioquic does what RFC 9000 to 9002 say about packets, loss and keys, and nothing else: it opens no socket and
reads no clock. `doq` is what RFC 9250 adds, `retry` how an address is proven before anything is kept for it, and
`bounds` what aioquic would let a stranger make us keep; it alone looks into aioquic's insides.

aioquic is an extra of the installation: whatever is imported from here needs it.
"""
