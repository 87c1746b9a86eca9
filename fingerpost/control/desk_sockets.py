"""Opening what the desk listens at, before anything is forked: all of it or nothing."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from fingerpost.configuration import Configuration
from fingerpost.control import opening
from fingerpost.control.channels import Channels
from fingerpost.control.desk import Desk
from fingerpost.control.sections import CONTROL, HTTP, SOCKET
from fingerpost.listening import Opened
from fingerpost.metrics.rows import Rows
from transport.endpoint import Endpoint
from transport.handler import Protocol
from transport.tcp_listener import open_tcp
from zonedata.errors import ConfigError, Fault

log = logging.getLogger(__name__)


@contextmanager
def opened_desk(configuration: Configuration, workers: int) -> Iterator[Desk]:
    """Open the control socket and the watchers' addresses, and the channels to so many workers.

    Raises:
        ConfigError: With a fault for each that cannot be had; none is open then.
    """
    control = configuration.control
    authority = configuration.authority
    faults: list[Fault] = []
    http: list[Opened] = []
    sock = None
    with ExitStack() as stack:
        if control.socket is not None:
            mode = opening.GROUP_MAY if control.group_may else opening.OWNER_MAY
            try:
                sock = stack.enter_context(opening.opened(control.socket, mode))
            except OSError as error:
                reason = f"{control.socket}: {error.strerror}"
                faults.append(configuration.fault(CONTROL.where(SOCKET.name), reason))
        for index, endpoint in enumerate(control.http):
            try:
                one = stack.enter_context(open_tcp(endpoint, False))
            except OSError as error:
                reason = f"cannot listen on {endpoint.to_text()} (http): {os.strerror(error.errno or 0)}"
                faults.append(configuration.fault(CONTROL.where(HTTP.name, index), reason))
            else:
                here = Endpoint(*one.getsockname()[:2])
                log.info("event=listening protocol=http address=%s", here.to_text())
                http.append(Opened(Protocol.TCP, here, (one,)))
        if faults:
            raise ConfigError(faults)
        channels = Channels.made(workers)
        stack.callback(channels.close)
        daemon, name = ("resolver", "") if authority is None else ("authority", authority.name)
        yield Desk(daemon, name, channels, Rows(workers + 1), sock, tuple(http), time.time())
