"""Several trees sought in at once, each under its own anchor, within the time of one question.

A shell around `policy`, which says who is asked, and `federation`, which puts together what came. Each tree has a
finder of its own, with what that holds, and learns nothing of the others.
"""

from collections.abc import Mapping
from dataclasses import replace

import trio

from resolver.cache import Found, Part, Stores
from resolver.federation import gathered
from resolver.finder import Finder
from resolver.policy import Policy, Tree
from resolver.servers import Servers
from resolver.settings import Settings
from resolver.upstream import Watch
from transport.clock import Clock
from transport.dialer import Dialer
from zonedata.names import Name
from zonedata.sealed import Sealed


class Trees:
    """The trees of one resolver.

    Args:
        policy: Which of them speaks for whom.
        dialer: Reaches servers.
        clock: Tells Unix seconds.
        settings: For all together; what may be held is shared out evenly.
        stores: By the id of a tree, where what was proven in it is kept; all with the same packets.
    """

    def __init__(
        self, policy: Policy, dialer: Dialer, clock: Clock, settings: Settings, stores: Mapping[bytes, Stores]
    ) -> None:
        count = len(policy.trees)
        share = replace(
            settings,
            answers_octets=settings.answers_octets // count,
            zones_octets=settings.zones_octets // count,
        )
        self._policy = policy
        self._clock = clock
        self._finders = {
            tree.trust.tree: Finder(tree.trust, dialer, clock, share, stores[tree.trust.tree])
            for tree in policy.trees
        }

        self.packets = next(iter(stores.values())).packets

    @property
    def chain(self) -> tuple[Sealed, ...]:
        """Nothing: each part of an answer has its own tree's."""
        return ()

    @property
    def servers(self) -> tuple[Servers, ...]:
        """How servers have behaved, tree by tree."""
        return tuple(servers for finder in self._finders.values() for servers in finder.servers)

    def speaks_for(self, owner: Name) -> bool:
        """Say whether any tree speaks for a CSI."""
        return bool(self._policy.speaking_for(owner))

    def ready(self, owner: Name, now: float) -> Found | None:
        """Return what was found a moment ago, if no tree that speaks is to be asked yet."""
        parts = []
        for tree in self._policy.speaking_for(owner):
            found = self._finders[tree.trust.tree].ready(owner, now)
            if found is None:
                return None
            parts.append(self._part(tree, found))
        return gathered(owner, parts) if parts else None

    async def find(self, owner: Name, watch: Watch | None = None) -> Found:
        """Seek in every tree that speaks; each has the whole time of a question, all at once.

        Args:
            owner: The name asked about; some tree speaks for it.
            watch: Told of every exchange.
        """
        parts: list[Part] = []

        async def seek(tree: Tree) -> None:
            finder = self._finders[tree.trust.tree]
            found = finder.ready(owner, self._clock.now()) or await finder.find(owner, watch)
            parts.append(self._part(tree, found))

        speaking = self._policy.speaking_for(owner)
        if len(speaking) == 1:
            await seek(speaking[0])
        else:
            async with trio.open_nursery() as nursery:
                for tree in speaking:
                    nursery.start_soon(seek, tree)
        return gathered(owner, parts)

    def _part(self, tree: Tree, found: Found) -> Part:
        return Part(tree.trust.tree, tree.name, found, self._finders[tree.trust.tree].trust.chain)
