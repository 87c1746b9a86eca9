"""Tokens at the command line: an issuer's keys, clients and daemon; a client's wallet; a resolver's side."""
