"""The processes of a daemon: a supervisor, and workers that it forks, replaces when they die, and ends.

    fork all -> all ready -> [a worker dies -> another in its place] -> TERM or INT -> all end -> status

A plain program without an event loop, since a loop cannot cross a fork. What it opened before stays open in it, so
that a worker's successor finds the same descriptors. Workers are forked with every signal of ours held back until
they are ready to hear them, so none is lost on the way. They ignore INT, which the terminal sends to all processes
at once: the supervisor hears it and tells them TERM. When it dies itself, a pipe tells them so.

Left out: what a worker does; and when one is to be started again, which `restarts` decides.
"""

import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from fingerpost.control.steering import Steering, WorkerState
from fingerpost.logfmt import quoted
from fingerpost.restarts import Restarts

END_SECONDS = 4.0  # from TERM to KILL; replies and look-ups in hand have a second each, one after the other
ONCE_SECONDS = 0.25  # `timeout` and others signal us and our group, which is one wish; nobody types that fast
ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
SIGNALS = (*ENDING, signal.SIGHUP, signal.SIGCHLD)
READY = b"r"  # what a worker writes into its pipe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seat:
    """What a worker has from its supervisor.

    Attributes:
        number: Which worker this is, from 0; its successors have the same.
        life: Which life of all that there have been; its successors have greater ones.
        lifeline: A descriptor that becomes readable when the supervisor is no more.
    """

    number: int
    life: int
    lifeline: int
    _mouth: int

    def take_signals(self) -> None:
        """Let TERM and HUP come, those too that were sent since the start; the worker has handlers for them.

        Once it takes those away, at its end, they do nothing.
        """
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def say_ready(self) -> None:
        """Tell the supervisor that questions are being answered; once."""
        with suppress(OSError):  # it has gone, which the lifeline tells
            os.write(self._mouth, READY)
        os.close(self._mouth)


Work = Callable[[Seat], int]  # the whole life of a worker; what it returns is the status of its process


@dataclass(slots=True)
class _Slot:
    """One worker and its predecessors."""

    number: int
    pid: int | None = None  # None between a death and the next start
    ear: int | None = None  # where it says that it is ready; None once it has, or has died
    started: float = 0.0
    due: float | None = 0.0  # when to start it; None while it runs
    is_ready: bool = False
    deaths: int = 0
    restarts: Restarts = field(default_factory=Restarts)


class Supervisor:
    """Runs workers until it is told to end.

    Args:
        count: How many.
        work: What each of them does, run in its own process.
        ready: Called once, here, when all of them are.
        reload: Called here before workers are told to reload, for what their successors have from us; never raises.
        buried: Called with a worker's number once it has died and before its successor is started.
        steering: By whom we are asked and told things, besides signals.
        names: What a worker is called by its number.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it calls is named once, where a daemon is composed
        self,
        count: int,
        work: Work,
        ready: Callable[[], None],
        reload: Callable[[], None] = lambda: None,
        buried: Callable[[int], None] = lambda _number: None,
        steering: Steering | None = None,
        names: Callable[[int], str] = lambda number: f"worker {number}",
    ) -> None:
        self._work = work
        self._ready = ready
        self._reload = reload
        self._buried = buried
        self._steering = steering
        self._names = names
        self._lives = 0
        self._slots = [_Slot(number) for number in range(count)]
        self._awaited = set(range(count))  # numbers that have not been ready yet; empty since the daemon is
        self._deadline: float | None = None  # when ending becomes killing; None while we are to go on
        self._status = 0
        self._own: list[int] = []  # descriptors that no worker may hold: the lifeline's other end, and our alarm
        self._lifeline = -1

    def run(self) -> int:
        """Run until a signal, or until a worker fails before all were ready; return the exit status.

        Raises:
            OSError: There is no process or descriptor to be had at the start.
        """
        gc.collect()
        gc.freeze()  # what is here now is in every worker; the collector would copy the pages by touching them
        with ExitStack() as stack:
            self._lifeline, ours = os.pipe()
            stack.callback(os.close, ours)
            stack.callback(os.close, self._lifeline)
            alarm = stack.enter_context(_signals_heard())
            self._own = [ours, *(end.fileno() for end in alarm)]
            stack.callback(self._kill)
            while self._deadline is None or any(slot.pid for slot in self._slots):
                self._start_due(time.monotonic())
                self._wait(alarm[0])
                self._bury(time.monotonic())
        return self._status

    # --- for whoever steers it ----------------------------------------------------------------------------

    def states(self, now: float) -> list[WorkerState]:
        """Return what there is to say of each worker; `now` in seconds of the monotonic clock."""
        return [
            WorkerState(self._names(slot.number), slot.pid, now - slot.started, slot.deaths, slot.is_ready)
            for slot in self._slots
        ]

    @property
    def is_ending(self) -> bool:
        """Whether we have been told to end."""
        return self._deadline is not None

    def reload(self) -> None:
        """Reload what successors will have, and have all workers reload."""
        self._reload()
        self._tell(signal.SIGHUP)

    def end(self) -> None:
        """Have all workers end, and end; a second time changes nothing."""
        if self._deadline is None:
            self._end()

    # --- what there is to do ------------------------------------------------------------------------------

    def _wait(self, alarm: socket.socket) -> None:
        """Sleep until something happens, and deal with what was said and with signals."""
        ears = {slot.ear: slot for slot in self._slots if slot.ear is not None}
        poll = select.poll()
        steering = self._steering
        for descriptor in (alarm.fileno(), *ears, *(() if steering is None else (steering.fileno(),))):
            poll.register(descriptor, select.POLLIN)
        times = [self._deadline, *(slot.due for slot in self._slots)]
        first = min((at for at in times if at is not None), default=None)
        patience = None if first is None else max(0.0, first - time.monotonic()) * 1_000 + 1
        for descriptor, _ in poll.poll(patience):
            if descriptor in ears:
                self._listen_to(ears[descriptor])
            elif steering is not None and descriptor == steering.fileno():
                steering.attend(self)
        with suppress(BlockingIOError):
            for number in alarm.recv(4_096):
                self._take(signal.Signals(number))
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._kill()

    def _listen_to(self, slot: _Slot) -> None:
        assert slot.ear is not None, "it was polled"
        is_ready = os.read(slot.ear, 1) == READY  # else it has died, which is seen soon
        _close_ear(slot)
        if not is_ready:
            return
        slot.is_ready = True
        log.info("event=worker-started worker=%d pid=%d", slot.number, slot.pid)
        if self._awaited:
            self._awaited.discard(slot.number)
            if not self._awaited and self._deadline is None:
                self._ready()

    def _take(self, number: signal.Signals) -> None:
        if number in ENDING:
            if self._deadline is not None:
                if time.monotonic() >= self._deadline - END_SECONDS + ONCE_SECONDS:
                    self._kill()
                return
            log.info("event=stopping signal=%s", number.name)
            self._end()
        elif number == signal.SIGHUP and self._deadline is None:
            self.reload()

    def _end(self) -> None:
        self._deadline = time.monotonic() + END_SECONDS
        for slot in self._slots:
            slot.due = None
        self._tell(signal.SIGTERM)

    def _tell(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid is not None:  # not waited for yet, so its number is nobody else's
                os.kill(slot.pid, number)

    def _kill(self) -> None:
        """Kill whoever is left, and wait: nobody survives that."""
        for slot in self._slots:
            if slot.pid is not None:
                log.warning("event=worker-killed worker=%d pid=%d", slot.number, slot.pid)
                os.kill(slot.pid, signal.SIGKILL)
                os.waitpid(slot.pid, 0)
                slot.pid = None
                _close_ear(slot)
                self._status = 1

    # --- births and deaths --------------------------------------------------------------------------------

    def _bury(self, now: float) -> None:
        """See to the workers that have died."""
        for slot in self._slots:
            if slot.pid is None:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if not pid:
                continue
            if slot.ear is not None:
                self._listen_to(slot)  # it may have been ready for a moment
            slot.pid, slot.is_ready = None, False
            slot.deaths += 1
            self._buried(slot.number)
            if self._deadline is not None and not status:
                continue
            log.error("event=worker-died worker=%d pid=%d reason=%s", slot.number, pid, quoted(_reason(status)))
            if self._deadline is not None:
                self._status = 1
            elif self._awaited:  # nothing is half started
                self._status = 1
                self._end()
            else:
                slot.restarts, slot.due = slot.restarts.died(slot.started, now)

    def _start_due(self, now: float) -> None:
        for slot in self._slots:
            if slot.due is None or slot.due > now:
                continue
            slot.started = now
            try:
                self._start(slot)
            except OSError as error:
                if self._awaited:
                    raise
                reason = quoted(error.strerror)  # all there is to know: no memory, or too many processes
                log.error("event=worker-not-started worker=%d reason=%s", slot.number, reason)  # noqa: TRY400
                slot.restarts, slot.due = slot.restarts.died(now, now)
            else:
                slot.due = None

    def _start(self, slot: _Slot) -> None:
        _flush()  # or the worker would write it once more
        ear, mouth = os.pipe()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                os.close(ear)
                os._exit(self._live(Seat(slot.number, self._lives, self._lifeline, mouth)))
        except OSError:
            os.close(ear)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os.close(mouth)
        slot.pid, slot.ear = pid, ear
        self._lives += 1

    def _live(self, seat: Seat) -> int:
        """Be a worker, and return its status. This is the bottom of its stack: nothing climbs out."""
        try:
            signal.set_wakeup_fd(-1)  # ours is shared with the supervisor
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # TERM and HUP have handlers that do nothing, from us
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (*self._own, *(slot.ear for slot in self._slots if slot.ear is not None)):
                os.close(descriptor)
            return self._work(seat)
        except BaseException:  # the last frame of a process: a bug, whatever it is
            log.exception("event=internal-error")
            return 1
        finally:
            _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody may be reading any more
            stream.flush()


def _close_ear(slot: _Slot) -> None:
    if slot.ear is not None:
        os.close(slot.ear)
        slot.ear = None


def _reason(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"status {code}" if code >= 0 else signal.Signals(-code).name


@contextmanager
def _signals_heard() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Turn our signals into octets that can be read from the first of two sockets, as long as this is open."""
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        try:
            yield reading, writing
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
