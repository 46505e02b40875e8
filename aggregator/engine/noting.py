"""Noting tells the hot list what this process's readers read, again and again."""

import asyncio
from math import inf, log2

from aggregator.clock import FleetClock
from aggregator.model.address import told_behind
from aggregator.model.heat import HALF_LIFE, Heat
from aggregator.model.ledger import Ledger
from aggregator.model.tags import viewer_tag
from aggregator.tiers.hot import HotList
from aggregator.tiers.tier import TierUnavailable

EVERY = 10.0  # seconds
_AT_ONCE = 500  # addresses


class Noting:
    """What was read since the last time is told, as nothing else has changed: scores are of a kind that time does not
    change (`lasting`). But for what is a viewer's who was invalidated since, as one who is forgotten is."""

    def __init__(self, heat: Heat, hot: HotList, clock: FleetClock, ledger: Ledger) -> None:
        self._heat = heat
        self._hot = hot
        self._clock = clock
        self._ledger = ledger
        self._told_up_to = ledger.head
        self._told_at = self._floor = -inf

    async def run(self) -> None:
        """Tell it until cancelled; where the list is away, the next time tells that, too."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.note()
            except TierUnavailable:
                continue

    async def note(self) -> None:
        """Tell it now; TierUnavailable where the list is away."""
        now, head, read = self._clock.now(), self._ledger.head, self._heat.read_since(self._told_at)
        for start in range(0, len(read), _AT_ONCE):
            scored = [
                (address, lasting(self._heat.of(address, now), now)) for address in read[start : start + _AT_ONCE]
            ]
            counting = [
                (address, score) for address, score in scored if score > self._floor and self._may_tell(address)
            ]
            self._floor = await self._hot.note(counting)
        self._told_at, self._told_up_to = now, head

    def _may_tell(self, address: bytes) -> bool:
        viewers = [viewer_tag(text) for text in told_behind(address) or ()]
        return not (viewers and self._ledger.overtaken(viewers, self._told_up_to))


def lasting(score: float, now: float) -> float:
    """A decayed score in a form that does not decay (forward decay, Cormode et al. 2009): those of different times and
    processes compare as they would if all were decayed to one moment. now: fleet seconds, as of the score."""
    return log2(score) + now / HALF_LIFE if score > 0 else -inf
