"""What the supervisor of a daemon makes before it forks."""

from dataclasses import dataclass

from fingerpost import served_https
from fingerpost.configuration import Configuration
from fingerpost.control.channels import Channels
from fingerpost.listening import Opened
from fingerpost.metrics.rows import Rows
from fingerpost.served_tls import ServedTls
from fingerpost.shared_limits import SharedLimits
from resolver.policy import Policy
from zonedata.keys import PrivateKey
from zonedata.trust import Trust


@dataclass(frozen=True, slots=True)
class Shared:
    """What the supervisor makes before it forks; every worker, and every successor of one, finds it.

    Attributes:
        configuration: Sound, and read once: a change of the file is taken over by starting anew.
        sockets: Every address, with a socket for each worker.
        trust: Whom a resolver believes, of several trees with what each speaks for; None in an authority.
        deny_key: What an authority signs denials with, if it does.
        limits: Who has asked how much, in memory that all workers share.
        tls: What is shown to clients over TLS, if anything is spoken over it.
        gateway: What answers sealed requests, if there is such a thing.
        desk: How it is asked, and where it tells what it has counted, if there is somebody to ask.
    """

    configuration: Configuration
    sockets: tuple[Opened, ...]
    trust: Trust | Policy | None
    deny_key: PrivateKey | None
    limits: SharedLimits
    tls: ServedTls | None = None
    gateway: served_https.Gateway | None = None
    desk: tuple[Channels, Rows] | None = None
