"""The load: dnsperf, how it is called and what it says.

`command` and `parse` are pure; `run` is the shell around them.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.processes import LOADING_CORE, FailedError, ending_with_us, pinned

LOST_AFTER = 5  # seconds; as long as clients wait
OUTSTANDING = 100  # questions on their way: dnsperf's own default, and enough for one core of anybody's
UDP_CLIENTS = 20  # sockets, so that replies are spread over several receive buffers
STREAMS = 4  # connections; Unbound takes ten by default
DOH_PATH = "/dns-query"
ANSWERED = 5  # words in the line about an answer, `> RCODE NAME TYPE SECONDS`; one that was lost has fewer
NOTED_LOSS = 0.1  # per cent of the questions; a run that loses more says so


class Over(StrEnum):
    """Over what is asked, as dnsperf calls it; on streams there are many questions on each connection."""

    UDP = "udp"
    TCP = "tcp"
    DOT = "dot"
    DOH = "doh"

    @property
    def is_encrypted(self) -> bool:
        """Whether it has a port of its own."""
        return self in {Over.DOT, Over.DOH}


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked, and how.

    Attributes:
        port: Of the server, at the loopback address.
        questions: A file of lines `NAME TYPE`.
        seconds: At most; None is until all is asked once.
        once: Whether every line is asked at most once.
        over: Over what.
        outstanding: Questions on their way at a time.
        qps: At most so many a second; None is as many as are answered.
        each: Whether the time of every answer is kept.
    """

    port: int
    questions: Path
    seconds: float | None
    once: bool = False
    over: Over = Over.UDP
    outstanding: int = OUTSTANDING
    qps: float | None = None
    each: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        sent: Questions.
        completed: Questions that were answered.
        seconds: That it took.
        latency: Mean seconds from question to answer.
        rcodes: Answers by response code.
        latencies: Seconds of every answer, ascending, if they were to be kept.
    """

    sent: int
    completed: int
    seconds: float
    latency: float
    rcodes: dict[str, int]
    latencies: tuple[float, ...] = ()

    @property
    def lost_percent(self) -> float:
        """Questions without an answer."""
        return 100 * (self.sent - self.completed) / self.sent if self.sent else 0.0

    @property
    def noerror_percent(self) -> float:
        """Answers that are what was asked for."""
        return 100 * self.rcodes.get("NOERROR", 0) / self.completed if self.completed else 0.0


def command(load: Load) -> list[str]:
    """Return the command line of dnsperf; EDNS is used, as stub resolvers do."""
    words = ["dnsperf", "-s", "127.0.0.1", "-p", str(load.port), "-d", str(load.questions), "-e"]
    words += ["-t", str(LOST_AFTER), "-q", str(load.outstanding), "-T", "1"]
    words += [
        "-m",
        load.over,
        "-c",
        str(STREAMS if load.over is not Over.UDP else min(UDP_CLIENTS, load.outstanding)),
    ]
    if load.over is Over.DOH:
        words += ["-O", f"doh-uri=https://127.0.0.1:{load.port}{DOH_PATH}", "-O", "doh-method=POST"]
    if load.seconds is not None:
        words += ["-l", f"{load.seconds:g}"]
    if load.once:
        words += ["-n", "1"]
    if load.qps is not None:
        words += ["-Q", str(max(1, round(load.qps)))]
    return [*words, "-v"] if load.each else words


def parse(text: str) -> Outcome:
    """Read what dnsperf printed.

    Raises:
        FailedError: It is no report of dnsperf's.
    """
    lines = text.splitlines()
    timed = (words for words in (line.split() for line in lines if line.startswith("> ")) if len(words) == ANSWERED)
    pairs = (line.strip().partition(":") for line in lines if line.startswith("  ") and ":" in line)
    found = {word: rest.strip() for word, _, rest in pairs}
    try:
        return Outcome(
            int(found["Queries sent"]),
            int(found["Queries completed"].split()[0]),
            float(found["Run time (s)"]),
            float(found["Average Latency (s)"].split()[0]) if "Average Latency (s)" in found else 0.0,
            _rcodes(found.get("Response codes", "")),
            tuple(sorted(float(words[-1]) for words in timed)),
        )
    except (KeyError, ValueError, IndexError) as error:
        raise FailedError(f"dnsperf said something else than its report: {text[-1000:]!r}") from error


def _rcodes(text: str) -> dict[str, int]:
    pairs = (part.split() for part in text.split(",") if part.strip())
    return {words[0]: int(words[1]) for words in pairs}


def run(load: Load) -> Outcome:
    """Ask, and return what came of it."""
    with tempfile.TemporaryFile("w+") as out:  # a line an answer: too much for a pipe that is read at the end
        words = ending_with_us(pinned(command(load), LOADING_CORE))
        done = subprocess.run(words, stdout=out, stderr=subprocess.STDOUT, check=False)
        out.seek(0)
        text = out.read()
    if done.returncode:
        raise FailedError(f"dnsperf ended with status {done.returncode}: {text[-1000:]}")
    return parse(text)
