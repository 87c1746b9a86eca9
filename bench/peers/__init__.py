"""The programs of others, each as its operators run it: one worker, logging off, defaults otherwise.

A file a program: the text of its configuration and the words of its command line. What differs from the defaults
has its reason beside it. Nothing of theirs stays running; they are started and ended like our own daemons.
"""

from bench.peers.bind import BIND
from bench.peers.knot import KNOT
from bench.peers.nsd import NSD
from bench.peers.peer import Peer
from bench.peers.powerdns import POWERDNS
from bench.peers.unbound import UNBOUND

PEERS: tuple[Peer, ...] = (UNBOUND, NSD, KNOT, BIND, POWERDNS)
