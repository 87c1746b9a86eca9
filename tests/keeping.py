"""A resolver of an in-memory world whose stores are on the disk, and which is ended and started anew."""

from pathlib import Path

from resolver.cache import Stores
from resolver.finder import Finder
from resolver.proven.shared import MIN_SIZE, SharedProven
from resolver.remembered import InFile
from tests.world import World
from zonedata.packets import Packets


class Keeping:
    """The directory of a world's resolver."""

    def __init__(self, world: World, place: Path) -> None:
        self.world = world
        self.place = place
        world.stores = self.stores

    def stores(self) -> Stores:
        proven = SharedProven.open(self.place, self.world.anchor.tree, MIN_SIZE)
        return Stores(Packets(), proven, InFile(self.place))

    @property
    def finder(self) -> Finder:
        assert self.world.resolver is not None
        return self.world.resolver.finder

    def close(self) -> None:
        self.finder.stores.proven.close()

    def restart(self, *, with_the_cache: bool = True) -> None:
        """Without the cache it is as after a crash of the machine."""
        self.close()
        if not with_the_cache:
            (self.place / "state").unlink()
        self.world.start_resolver()
