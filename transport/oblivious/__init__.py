"""Oblivious HTTP (RFC 9458): whoever sees who asks does not see what, and whoever sees what does not see who.

    client -> binary_http (RFC 9292, padded) -> encapsulation (HPKE, RFC 9180) -> relay -> gateway -> target

The client seals a whole HTTP request to the gateway's key and posts it to the relay; the relay knows its address
and posts the octets on, without it; the gateway opens them, has its target answer, and seals the answer for that
request alone. It hides the asker as long as relay and gateway do not put together what they know.

`hpke`, `binary_http`, `key_configs`, `key_chain` and `encapsulation` are pure: octets, values and `now`. `client`,
`relay` and `gateway` are what the three parties do; they take requests and give replies as plain values
(`messages`), and whoever they ask is a callable that is handed to them, so that what carries them is nothing to
them.
"""
