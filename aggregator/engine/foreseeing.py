"""Foreseeing counts what an invalidation would overtake in this process, and overtakes nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from aggregator.engine.reading import Reading
from aggregator.engine.refresh import HOT
from aggregator.model.catalogue import Catalogue
from aggregator.model.held import Held
from aggregator.model.ledger import Ledger
from aggregator.model.reach import Reach, reach
from aggregator.tiers.memory import MemoryTier

# Views that are looked at between two turns of others: about a millisecond's.
_STEP = 200


class Views(Struct):
    """How many, by screen; and the seconds that loading took for them, the dearest part of each: what composing them
    anew would take if it were done one by one."""

    count: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, held: Held) -> None:
        """One more."""
        self.count[held.screen.name] += 1
        self.seconds += held.loading_took


class Foreseen(Struct, frozen=True):
    """reach: of each tag. held: what L1 holds that would be overtaken. hot: those of it that would be refreshed."""

    reach: dict[str, Reach]
    held: Views
    hot: Views


class Foreseeing:
    """Others get their turn between any two steps, so what changes meanwhile may be counted or not."""

    def __init__(self, memory: MemoryTier, reading: Reading, ledger: Ledger, catalogue: Catalogue) -> None:
        self._memory = memory
        self._reading = reading
        self._ledger = ledger
        self._catalogue = catalogue

    async def foresee(self, tags: Sequence[str]) -> Foreseen:
        """What invalidating the tags now would do."""
        reached: dict[str, Reach] = {}
        for tag in tags:
            reached[tag] = reach(tag, self._catalogue)
            await asyncio.sleep(0)
        found = Foreseen(reached, Views(), Views())
        candidates = self._candidates(tags)
        while candidates:
            for held in candidates[-_STEP:]:
                if self._would_be_overtaken(held, tags):
                    found.held.add(held)
                    if self._reading.heat_of(held) >= HOT:
                        found.hot.add(held)
            # Let go step by step, too: to free a list of all views takes as long as to make it.
            del candidates[-_STEP:]
            await asyncio.sleep(0)
        return found

    def _candidates(self, tags: Iterable[str]) -> list[Held]:
        """Each once; all that there are, where one of the tags is not indexed."""
        indexed = [self._memory.carrying(tag) for tag in tags]
        if None in indexed:
            return self._memory.all()
        return list(dict.fromkeys(held for views in indexed for held in views or ()))

    def _would_be_overtaken(self, held: Held, tags: Sequence[str]) -> bool:
        """Not what was overtaken before, and is kept behind the barrier."""
        own = held.tags
        if not any(tag in own for tag in tags):
            return False
        return held.position >= self._ledger.barrier or not self._ledger.overtaken(own, held.position)
