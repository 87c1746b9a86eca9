"""Where an authority's signed statements lie, ready to be sent.

`layout` says what the tables are and what an entry looks like, `memory` and `disk` hold them. The engine in
root/ reads through the `Tables` protocol and does not know which. These files touch the disk and decide
nothing. `ours` is whether what lies somewhere may be believed.
"""
