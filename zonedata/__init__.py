"""The words everyone speaks: identifiers, names, signed statements, what is believed, messages, stores.

Everything here but the stores and the files is pure: bytes, values and `now` in, values out. No sockets,
no clock, no randomness. The way of a statement:

    source file -> statements -> sealing -> Sealed bytes -> store -> wire
    wire -> Sealed bytes -> opening (steps 1 to 7) -> Opened -> path and judgement (steps 8 to 11)

`Sealed` is what anybody may have written. `Opened` is what a key we were told to believe has signed.
Nothing outside `opening` and `trust` makes an `Opened`.
"""
