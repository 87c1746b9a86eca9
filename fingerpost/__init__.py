"""The command tree: keygen, sign, check, serve, demo. The only room that sees both root and resolver.

    CONFIG -> toml_lines, definitions, sections -> configuration (typed, or every mistake with its line)
      keygen -> key files, anchor file
      check  -> everything is read, nothing is started
      sign   -> root.publishing -> store, anchor file
      serve  -> listening -> root.service (with `served_store`) or resolver.service

Thin: what is decided here is what a person wrote and whether it can be so. A command is a module with
`add_parser` and `run`; `main` holds the list.
"""

VERSION = "0.1.0"
