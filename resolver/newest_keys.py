"""The newest version of the root's keys, and stepping up to it from the one that is known, version by version.

A shell around `zonedata.trust`, which decides. It is done when the version that is known no longer counts, and when
the root signs with a key that this version does not name: some times in a year.
"""

from collections.abc import Callable

import trio

from resolver.allowance import ZONE_SECONDS
from resolver.answer import read_claims
from resolver.asked import Purpose
from resolver.remembered import Remembers
from resolver.search import Search
from resolver.upstream import Question, TakenIn, Upstream
from zonedata import names, replies, trust
from zonedata.errors import UntrustedError
from zonedata.kinds import Kind
from zonedata.opening import Refusal, Step
from zonedata.trust import Trust
from zonedata.wire import QType


class NewestKeys:
    """Knows the newest version. One for each finder.

    Args:
        anchor: Whom to believe at first.
        remembers: Has the newest version that was seen before, and keeps the newest from now on.
        upstream: Asks the root.
        moved_on: Called at each new version; what was made under an earlier one must be forgotten.

    Attributes:
        trust: The newest version; trusted: whoever can set it chooses whom we believe.
    """

    def __init__(
        self, anchor: Trust, remembers: Remembers, upstream: Upstream, moved_on: Callable[[], None]
    ) -> None:
        self.trust = remembers.newest(anchor)
        self._anchor = anchor
        self._remembers = remembers
        self._upstream = upstream
        self._moved_on = moved_on
        self._catching_up = trio.Lock()  # one at a time: the second finds it done

    async def catch_up(self, search: Search) -> bool:
        """Fetch the versions of ROOTKEYS after ours, one by one; say whether we have got a newer one.

        Args:
            search: The question that needs it; told what was refused.
        """
        started = self.trust.rootkeys.version
        async with self._catching_up:
            for _ in range(trust.MAX_VERSIONS):
                if self.trust.rootkeys.version > started and trust.is_current(self.trust, search.now):
                    break
                if not await self._step_up(search):
                    break
            if self.trust.rootkeys.version > started:
                self._remembers.keep(self.trust, self._anchor)  # waits for the disk, some times in a year
        return self.trust.rootkeys.version > started

    async def _step_up(self, search: Search) -> bool:
        """Take the next version, if the root has one and it is signed as it must be."""
        before = self.trust

        def takes_in(reply: replies.Received) -> TakenIn:
            claims, unread = read_claims(reply)
            refused = [*unread]
            for claim in claims:
                if claim.sealed.kind is Kind.ROOTKEYS:
                    try:
                        self.trust = trust.advance(before, claim)
                        self._moved_on()
                    except UntrustedError as error:
                        octets = claim.sealed.to_wire()
                        refused.append(Refusal(Step.SIGNATURE, Kind.ROOTKEYS, ".", str(error), octets))
            if refused:
                search.note((), refused)
            return TakenIn(tuple(claims), tuple(refused), self.trust is not before)

        version = names.from_text(f"{before.rootkeys.version + 1}.rootkeys.")
        question = Question(
            (), before.servers, version, QType.ZONE, Purpose.ROOTKEYS, ZONE_SECONDS, lambda: True, takes_in
        )  # its packets are bounded by the time of the question and by MAX_VERSIONS
        await self._upstream.ask(question, search.watch)
        return self.trust is not before
