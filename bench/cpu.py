"""What processes cost: processor time and memory of a daemon with all that it has started, from /proc.

A daemon is started in a session of its own, so whoever is in that session belongs to it. Time comes from the
scheduler's accounting of every thread, in nanoseconds (/proc/PID/task/TID/schedstat). Where the kernel does the
work of receiving in the sender's time, as it does on the loopback interface, that part is the load generator's;
this is so for all contestants alike.
"""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")  # a second
STAT_SESSION = 3  # fields of /proc/PID/stat, counted from the state that follows the command's name
STAT_TIMES = slice(11, 15)  # utime, stime, and those of children that have ended
ENDED = "ZX"  # states of a process that is only remembered until its parent has asked for it
TICKS_OFF = 4  # the accounting in ticks may be off by one at each end, for us and for the kernel


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time of a session since its start.

    Attributes:
        nanoseconds: Of the threads that are there.
        ticks: Of all that were ever there.
    """

    nanoseconds: int
    ticks: int

    def seconds_since(self, before: "Spent") -> float:
        """Return the processor seconds between two moments.

        Threads that ended in between are missing in the nanoseconds, and show in the ticks.
        """
        fine = (self.nanoseconds - before.nanoseconds) / 1e9
        coarse = (self.ticks - before.ticks) / TICKS
        return coarse if coarse - fine > TICKS_OFF / TICKS else fine


@dataclass(frozen=True, slots=True)
class Memory:
    """Octets of memory that are resident.

    Attributes:
        resident: All; of a page that several processes have, each counts its part (PSS), so that it counts once.
        mapped: Of these, pages of the file that was asked about.
    """

    resident: int
    mapped: int = 0

    @property
    def own(self) -> int:
        """All but the file."""
        return self.resident - self.mapped


def read_stat(text: str) -> list[str]:
    """Return the fields of /proc/PID/stat that follow the name of the command, which may hold anything."""
    return text.rpartition(")")[2].split()


def members(session: int, proc: Path = PROC) -> list[Path]:
    """Return the directory of every process in a session that has not ended."""
    found = []
    for place in proc.iterdir():
        if place.name.isdigit():
            fields = read_stat(_read(place / "stat"))
            if fields and fields[0] not in ENDED and int(fields[STAT_SESSION]) == session:
                found.append(place)
    return found


def spent(session: int, proc: Path = PROC) -> Spent:
    """Return what a session has spent so far."""
    nanoseconds = ticks = 0
    for place in members(session, proc):
        ticks += sum(map(int, read_stat(_read(place / "stat"))[STAT_TIMES]))
        nanoseconds += sum(int((_read(task / "schedstat") or "0").split()[0]) for task in _tasks(place))
    return Spent(nanoseconds, ticks)


def memory(session: int, file: Path | None = None, proc: Path = PROC) -> Memory:
    """Return what a session holds in memory.

    Args:
        session: Its number.
        file: Whose pages are to be told apart.
        proc: As the kernel has it.
    """
    resident = mapped = 0
    for place in members(session, proc):
        is_file = False
        for line in _read(place / "smaps").splitlines():
            word, _, rest = line.partition(":")
            if word == "Pss":
                octets = int(rest.split()[0]) * 1024
                resident += octets
                mapped += octets if is_file else 0
            elif "-" in word.partition(" ")[0]:  # a mapping begins: its addresses
                is_file = file is not None and line.endswith(f" {file}")
    return Memory(resident, mapped)


def _tasks(place: Path) -> list[Path]:
    try:
        return list((place / "task").iterdir())
    except FileNotFoundError:
        return []


def _read(path: Path) -> str:
    """Return what a file says; nothing when its process has just ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
