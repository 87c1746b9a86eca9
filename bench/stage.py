"""Where a benchmark takes place: its sizes, its directory, the shared data, and the contestants on it."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import configs, dataset, load, probe, world
from bench.load import NOTED_LOSS, Load, Outcome, Over
from bench.options import Options
from bench.peers.peer import Doors, Peer, Stub, Zones
from bench.processes import SERVING_CORE, Daemon, complete, find, running
from bench.results import Row, Sample
from bench.rounds import in_turn
from bench.stamps import made
from bench.world import World, free_ports
from transport.tls.certificates import self_signed

NOT_INSTALLED = "not installed"
MOST_ASKED = 1_000_000  # questions in a file; more are not asked within one load
NOTED_OTHERS = 99.9  # per cent of answers that must be NOERROR, or the row says so


@dataclass(frozen=True, slots=True)
class Answering:
    """A daemon that answers.

    Attributes:
        daemon: It.
        port: Where.
        upstream: Whom it asks; what these cost is no part of what it costs.
        doors: Where it answers over what is encrypted.
    """

    daemon: Daemon
    port: int
    upstream: tuple[Daemon, ...] = ()
    doors: Doors | None = None

    def at(self, over: Over) -> int:
        """Return the port at which it answers over something."""
        if self.doors is None or not over.is_encrypted:
            return self.port
        return self.doors.dot if over is Over.DOT else self.doors.doh


@dataclass(slots=True)
class Contestant:
    """One who takes part.

    Attributes:
        name: For people.
        take_turn: Does one round's measuring; None when it is not there.
        note: Why not, or what must be known.
        size: As in a `Row`.
        series: As in a `Row`.
    """

    name: str
    take_turn: Callable[[], Sample] | None = None
    note: str = ""
    size: int | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a benchmark is given.

    Attributes:
        options: How much.
        place: A directory for generated data, kept between runs.
        run: A directory for what daemons of others leave; its path is short, since sockets are put there.
    """

    options: Options
    place: Path
    run: Path
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Tell whoever waits."""
        sys.stdout.write(f"[{time.monotonic() - self.started:7.1f}] {text}\n")
        sys.stdout.flush()

    # --- data ----------------------------------------------------------------------------------------------

    def questions(self, count: int, qtype: str, after: int = 0) -> Path:
        """Return a file that asks for numbers of the data set, the first or those after some, in random order."""
        path = self.place / (f"questions-{count}-{qtype}" + (f"-after-{after}" if after else ""))

        def write() -> None:
            with path.open("w") as file:
                file.writelines(dataset.shuffled(map(dataset.number, range(after, after + count)), qtype))

        return made(path, {"count": count}, write)

    def numbers(self, count: int) -> Path:
        """Return a file with the first numbers of the data set, a line each, as people write them."""
        path = self.place / f"numbers-{count}"

        def write() -> None:
            with path.open("w") as file:
                file.writelines(dataset.written(dataset.number(index)) + "\n" for index in range(count))

        return made(path, {"count": count}, write)

    def evenly_asked(self, count: int) -> Path:
        """Return a file that asks for numbers of `dataset.evenly`, in random order."""
        path = self.place / f"questions-even-{count}"

        def write() -> None:
            with path.open("w") as file:
                file.writelines(dataset.shuffled(dataset.some_evenly(count, MOST_ASKED), dataset.CSI))

        return made(path, {"count": count, "most": MOST_ASKED}, write)

    def zone(self, count: int) -> Path:
        """Return a zone file with the first numbers of the data set."""
        path = self.place / f"naptr-{count}.zone"

        def write() -> None:
            with path.open("w") as file:
                file.writelines(dataset.zone(count))

        return made(path, {"count": count}, write)

    def signed_zone(self, count: int) -> tuple[Path, Path]:
        """Return the same signed with Ed25519, and the file with its key."""
        plain = self.zone(count)
        place = self.place / f"signed-{count}"
        path, anchor = place / "signed.zone", place / "anchor.key"

        def sign() -> None:
            self.say(f"signing a zone of {count:,} names")
            for old in place.glob("K*"):
                old.unlink()
            key = complete([_tool("dnssec-keygen"), "-a", "ED25519", "-f", "KSK", dataset.ZONE], place).strip()
            words = ["-S", "-z", "-P", "-o", dataset.ZONE, "-f", str(path), str(plain)]
            complete([_tool("dnssec-signzone"), *words], place)
            anchor.write_text((place / f"{key}.key").read_text())

        return made(path, {"count": count}, sign), anchor

    def world(self, count: int) -> World:
        """Return a tree of ours with one provider that has the first numbers of the data set."""
        self.say(f"building a tree of ours with {count:,} names")
        return world.build(self.place / f"world-{count}", [dataset.MSP], count)

    # --- contestants ---------------------------------------------------------------------------------------

    def authority(self, stack: ExitStack, peer: Peer, zone: Path, core: int = SERVING_CORE) -> Answering:
        """Run an authority of others until the stack is left."""
        (port,) = free_ports(1)
        place = self.run / f"{peer.program}-authority-{port}"
        words = peer.prepare(Zones(place, port, dataset.ZONE, zone))
        return self._run(stack, peer, words, port, core)

    def resolver(self, stack: ExitStack, peer: Peer, stub: Stub, upstream: Answering) -> Answering:
        """Run a resolver of others until the stack is left."""
        words = peer.prepare(stub)
        found = self._run(stack, peer, words, stub.port, SERVING_CORE)
        return Answering(found.daemon, found.port, (upstream.daemon,), stub.doors)

    def doors(self) -> Doors:
        """Return free ports for what is encrypted, and a certificate."""
        certificate, key = self.place / "tls.crt", self.place / "tls.key"
        if not certificate.exists():
            made = self_signed((configs.LOOPBACK,), time.time())
            certificate.write_bytes(made[0])
            key.touch(0o600)
            key.write_bytes(made[1])
        dot, doh = free_ports(2)
        return Doors(dot, doh, certificate, key)

    def stub(
        self, peer: Peer, upstream: Answering, entries: int, anchor: Path | None = None, doors: Doors | None = None
    ) -> Stub:
        """Return what a resolver of others is to find out about."""
        (port,) = free_ports(1)
        place = self.run / f"{peer.program}-resolver-{port}"
        return Stub(place, port, dataset.ZONE, upstream.port, anchor, entries, doors=doors)

    def warm(self, answering: Answering, questions: Path) -> Answering:
        """Have a server asked each question once before it is measured, so that its pages are where they stay."""
        outcome = load.run(Load(answering.port, questions, None, once=True))
        self.say(f"{answering.daemon.name} answered {outcome.completed:,} questions before it is measured")
        return answering

    def _run(self, stack: ExitStack, peer: Peer, words: Sequence[str], port: int, core: int) -> Answering:
        name = dataset.owner(dataset.number(0))
        place = self.run / f"{peer.program}-{port}.log"
        ready = running(peer.name, words, place, lambda: probe.answers(port, name, dataset.NAPTR), core)
        return Answering(stack.enter_context(ready), port)

    # --- rounds --------------------------------------------------------------------------------------------

    def compete(self, contestants: Sequence[Contestant], rounds: int | None = None) -> tuple[Row, ...]:
        """Let everybody take turns, and return a row for each."""
        samples: dict[str, list[Sample]] = {one.name: [] for one in contestants}
        for number, one in in_turn(contestants, rounds or self.options.rounds):
            if one.take_turn is None:
                continue
            sample = one.take_turn()
            samples[one.name].append(sample)
            figures = ", ".join(f"{key} {value:.6g}" for key, value in sample.items())
            self.say(f"round {number + 1}, {one.name}: {figures}")
        return tuple(
            Row(one.name, tuple(held), noted(one, held), one.size, one.series)
            for one, held in ((one, samples[one.name]) for one in contestants)
        )


def noted(one: Contestant, samples: Iterable[Sample]) -> str:
    """Return what must be known to read a contestant's figures."""
    notes = [one.note] if one.note else []
    held = list(samples)
    lost = max((sample.get("lost_percent", 0.0) for sample in held), default=0.0)
    if lost > NOTED_LOSS:
        notes.append(f"lost up to {lost:.2f} % of the questions")
    right = min((sample.get("noerror_percent", 100.0) for sample in held), default=100.0)
    if right < NOTED_OTHERS:
        notes.append(f"only {right:.1f} % of the answers were NOERROR")
    return "; ".join(notes)


def absent(peer: Peer, *needed: Peer) -> Contestant:
    """Return the contestant for a program that is not on this machine, or whose needs are not."""
    missing = [f"{other.name} is {NOT_INSTALLED}" for other in needed if not other.is_installed]
    return Contestant(peer.name, note=NOT_INSTALLED if not peer.is_installed else "; ".join(missing))


def loaded(answering: Answering, what: Load) -> tuple[Sample, Outcome]:
    """Put a load on a daemon, and return its figures for this round."""
    before, above = answering.daemon.spent(), [daemon.spent() for daemon in answering.upstream]
    outcome = load.run(what)
    spent = answering.daemon.spent().seconds_since(before)
    sample = sample_of(outcome, spent)
    if answering.upstream:
        pairs = zip(answering.upstream, above, strict=True)
        seconds = sum(daemon.spent().seconds_since(then) for daemon, then in pairs)
        sample["upstream_cpu_us"] = 1e6 * seconds / max(outcome.completed, 1)
    return sample, outcome


def sample_of(outcome: Outcome, cpu_seconds: float) -> Sample:
    """Return the figures of a load."""
    return {
        "cpu_us": 1e6 * cpu_seconds / max(outcome.completed, 1),
        "qps": outcome.completed / outcome.seconds if outcome.seconds else 0.0,
        "busy_percent": 100 * cpu_seconds / outcome.seconds if outcome.seconds else 0.0,
        "latency_ms": 1e3 * outcome.latency,
        "lost_percent": outcome.lost_percent,
        "noerror_percent": outcome.noerror_percent,
    }


def _tool(program: str) -> str:
    return find(program) or program
