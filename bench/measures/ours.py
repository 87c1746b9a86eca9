"""Our resolvers above our own authorities, which are started once and shared by all that ask them.

A tree whose authorities were started twice would have two sets of them, of which every resolver asks the one that
the anchor's file names since, and the other's processor time says nothing; `world` refuses that.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.builds import Build
from bench.peers.peer import Doors
from bench.processes import Daemon
from bench.stage import Answering, Stage
from bench.world import World, free_ports

NAME = "Fingerpost resolver"


@dataclass(frozen=True, slots=True)
class Ours:
    """A tree with its authorities running.

    Attributes:
        tree: The root, and one provider with the whole data set.
        upstream: Their daemons.
    """

    tree: World
    upstream: tuple[Daemon, ...]

    @classmethod
    def running(cls, stage: Stage, stack: ExitStack) -> "Ours":
        """Build the tree and run its authorities until the stack is left; once in a benchmark."""
        tree = stage.world(stage.options.names)
        return cls(tree, tuple(tree.authorities(stack)))

    def resolver(  # noqa: PLR0913, PLR0917 - as `World.resolver`
        self,
        stack: ExitStack,
        entries: int = 0,
        build: Build = Build.PLAIN,
        cache: Path | None = None,
        workers: int = 1,
        doors: Doors | None = None,
    ) -> Answering:
        """Run a resolver until the stack is left.

        Args:
            stack: Ends it.
            entries: Answers that it must be able to keep.
            build: Of its modules.
            cache: What its processes share on disk; None is what it has by default.
            workers: Processes that answer.
            doors: Where it answers over what is encrypted, if it does.
        """
        (port,) = free_ports(1)
        daemon = stack.enter_context(self.tree.resolver(port, entries, cache, build, workers, doors))
        return Answering(daemon, port, self.upstream, doors)
