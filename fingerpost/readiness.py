"""How whoever waits for a daemon learns that it is ready."""

import argparse
import logging
import os

from fingerpost.listening import Opened

FIRST_OWN_FD = 3  # below are the standard streams, which are not ours to close

log = logging.getLogger(__name__)


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--ready-fd` to a command that has such a daemon."""
    parser.add_argument(
        "--ready-fd", type=int, metavar="N", help="when ready, write a line with every address to this descriptor"
    )


def check(args: argparse.Namespace) -> None:
    """Refuse a descriptor that is not open, as the parser refuses words; `args.refuse` is its `error`."""
    if args.ready_fd is not None:
        try:
            os.fstat(args.ready_fd)
        except OSError:
            args.refuse(f"--ready-fd {args.ready_fd}: this descriptor is not open")


class Readiness:
    """How whoever waits for it learns that the daemon is ready: a log line, and a line into a descriptor.

    Args:
        sockets: What is listened at.
        descriptor: Taken over, and closed once it was told.
    """

    def __init__(self, sockets: tuple[Opened, ...], descriptor: int | None) -> None:
        self._sockets = sockets
        self._descriptor = descriptor

    def tell(self) -> None:
        """Say it."""
        for opened in self._sockets:
            log.info("event=listening protocol=%s address=%s", opened.protocol, opened.endpoint.to_text())
        text = " ".join(opened.to_text() for opened in self._sockets)
        log.info("event=ready %s", text)
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, f"ready {text}\n".encode())
        except OSError as error:  # whoever wanted to know has gone
            log.warning("event=ready-not-told descriptor=%d reason=%s", self._descriptor, error.strerror)
        self.close()

    def close(self) -> None:
        """Let go of the descriptor, as each worker does with its copy."""
        if self._descriptor is not None and self._descriptor >= FIRST_OWN_FD:
            os.close(self._descriptor)
        self._descriptor = None
