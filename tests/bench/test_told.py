from bench.told import counts

LOG = """\
time=2026-11-21T14:13:49Z level=info event=ready pid=7
time=2026-11-21T14:13:50Z level=info event=statistics udp=127.0.0.1#26721 received=9 fast=8 worker=0
time=2026-11-21T14:13:50Z level=info event=statistics ready_found=5 kept=3 kept_octets=1665 proven=6 worker=0
time=2026-11-21T14:13:50Z level=info event=statistics ready_found=2 kept=1 kept_octets=555 proven=6 worker=1
time=2026-11-21T14:13:51Z level=info event=stopped
"""


def test_counts_of_workers_are_added() -> None:
    assert counts(LOG) == {"ready_found": 7, "kept": 4, "kept_octets": 2220, "proven": 12}


def test_a_daemon_that_was_killed_has_said_nothing() -> None:
    assert counts(LOG.partition("event=statistics")[0]) == {}
