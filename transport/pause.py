"""A pause of a fraction of a millisecond, for an event loop whose own deadlines count whole ones.

The kernel's timers are finer than what epoll waits by, and one can be waited for like a socket (timerfd_create(2)).
"""

import ctypes
import os
import struct
import sys
from types import TracebackType
from typing import Self

import trio

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
HAS_TIMERS = _libc is not None and hasattr(_libc, "timerfd_create") and sys.maxsize > 2**32  # 64-bit timespec
_CLOCK_MONOTONIC = 1
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC are the same numbers


class Pause:
    """A timer that is set again and again for the same time.

    Args:
        seconds: How long `wait` takes, to the nanosecond; less than a second.

    Raises:
        OSError: There are no descriptors left.
    """

    def __init__(self, seconds: float) -> None:
        assert _libc is not None, "HAS_TIMERS says whether this can be had"
        self._set = _libc.timerfd_settime
        self._set.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        self._fd: int = _libc.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self._fd < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        # A struct itimerspec: no interval, then the time.
        self._time = struct.pack("qqqq", 0, 0, 0, int(seconds * 1e9))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    async def wait(self) -> None:
        """Wait once; other tasks go on."""
        self._set(self._fd, 0, self._time, None)
        await trio.lowlevel.wait_readable(self._fd)
