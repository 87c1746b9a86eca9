"""The main job on an embedded default: a whole tree on this machine, with nothing to configure.

    carriers, fiction -> plan -> people -> sources (text) -> building (files) -> processes (daemons) -> checking

`fingerpost demo` makes keys, a root zone from real carrier prefixes, a national registry, five providers with
100,000 people who do not exist, and a resolver; starts them all and asks them. `plan`, `people`, `model` and the
texts are pure; `building`, `processes`, `checking` and `command` are shells.
"""
