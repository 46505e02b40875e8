"""Gathering finds or loads the parts of one view: what L2 holds and is good is taken, only the rest is loaded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.engine.fill import Filler, Knowledge
from aggregator.engine.flights import Filled
from aggregator.engine.restamp import Restamping
from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.plan import Want
from aggregator.model.position import Position
from aggregator.model.standing import Standing, may_fall_back
from aggregator.model.view import Part
from aggregator.tiers.tier import SharedTier, TierUnavailable
from cache_policies.policy import fresh_until


@dataclass(frozen=True, slots=True)
class Asking:
    """How one caller asks. since: its head when it asked. wait: for what is stale but may be served meanwhile, too;
    ahead: and for what is not fresh for as many seconds more (a refresh before expiry)."""

    since: Position
    wait: bool = False
    ahead: float = 0.0


class Parts:
    """trust_unproven: use what cannot be proved current as if it were (it is marked all the same)."""

    def __init__(
        self,
        tier: SharedTier,
        knowledge: Knowledge,
        filler: Filler,
        restamping: Restamping,
        trust_unproven: bool = False,
    ) -> None:
        self._tier = tier
        self._known = knowledge
        self._filler = filler
        self._restamping = restamping
        self._trust_unproven = trust_unproven

    async def held(self, keys: Sequence[Key]) -> Sequence[Entry | None]:
        """What L2 holds; nothing where it is away."""
        try:
            return await self._tier.read(keys)
        except TierUnavailable:
            return [None] * len(keys)

    async def gather(self, wants: Sequence[Want], asking: Asking) -> list[Part]:
        """A part for every want, in order."""
        found = await self.held([want.key for want in wants])
        return await asyncio.gather(
            *(self._part(want, entry, asking) for want, entry in zip(wants, found, strict=True))
        )

    async def _part(self, want: Want, held: Entry | None, asking: Asking) -> Part:
        if held and (part := self._usable(want, held, asking)):
            return part
        filled = await self._filler.fill(want, held, asking.since, asking.ahead)
        if filled.entry:
            return Part(want.slot, filled.entry, loaded=filled.loaded, kept=filled.kept)
        return self._fallen_back(want, filled.held or held, filled)

    def _usable(self, want: Want, held: Entry, asking: Asking) -> Part | None:
        match self._known.standing(held, asking.ahead):
            case Standing.FRESH:
                self._restamping.consider(want.key, held)
                return Part(want.slot, held)
            case Standing.REVALIDATE if not asking.wait:
                return Part(want.slot, held, stale=True)
            case Standing.UNPROVEN if self._trust_unproven and self._known.clock.now() < fresh_until(held.timing):
                return Part(want.slot, held, unproven=True)
        return None

    def _fallen_back(self, want: Want, held: Entry | None, filled: Filled) -> Part:
        if held is None or not may_fall_back(held, self._known.standing(held), self._known.clock.now()):
            return Part(want.slot, None, filled.failure, loaded=filled.loaded)
        unproven = self._known.standing(held) is Standing.UNPROVEN
        return Part(want.slot, held, filled.failure, stale=not unproven, unproven=unproven, loaded=filled.loaded)
