"""Steering a running daemon: `fingerpost ctl`, and what answers it.

    ctl --a line--> the socket --> the desk, a process of its own --> supervisor: status, reload, stop
                                                                  --> workers: what each remembers
    a monitor --HTTP--> the desk --> rows of counters (`fingerpost.metrics`)

The desk answers no questions of DNS and holds no key. When it dies it is forked again, and nothing else notices.
"""
