"""HTTP/2 (RFC 9113), server and client, over any stream; what is asked over it is handed on (RFC 8484: DNS).

Reading and writing frames is h2's, which limits next to nothing: neither how long a frame or a header block is, nor
how many frames come that ask for nothing, nor how many streams are opened and reset, nor what is remembered of
settings. So the octets pass a gate first, and what is open, running or waiting is counted here:

    stream -> session -> frame_gate -> h2 -> server_connection -> routes -> a request handler
                                                               -> doh   -> a message handler, as everywhere
    request -> client (doh_link for DNS) -> client_connection -> h2 -> outgoing -> stream

`server_connection` and `client_connection` are without sockets and without time of their own: octets go in, octets
come out. `session` and `client` are the shells around them. Encryption is put around all of it by whoever makes the
stream; HTTP/1.1 is not spoken here.
"""
