"""A warm start takes from L2 into L1 what the fleet's readers read most, before this process has any."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from aggregator.engine.reading import Reading
from aggregator.engine.taking import Taking
from aggregator.model.address import Addresses
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen
from aggregator.tiers.hot import HotList
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.tier import SharedTier, TierUnavailable

_PAGE = 500  # addresses a look at the list
_BATCH = 64  # views a read: their bytes have to come within L2's budget
_AGAIN = 0.05  # seconds after which L2 is asked again

T = TypeVar("T")


class HotView(NamedTuple):
    """A view of the hot list."""

    address: bytes
    screen: Screen
    inputs: Inputs


class WarmStart:
    """taken: views that came into L1 so."""

    def __init__(
        self,
        namespace: str,
        hot: HotList,
        addresses: Addresses,
        memory: MemoryTier,
        tier: SharedTier,
        taking: Taking,
        reading: Reading,
    ) -> None:
        self.taken = 0
        self._namespace = namespace
        self._hot = hot
        self._addresses = addresses
        self._memory = memory
        self._tier = tier
        self._taking = taking
        self._reading = reading

    async def run(self, seconds: float) -> None:
        """The hottest first, until all are there, L1 is full, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._fill()

    async def listed(self) -> AsyncIterator[list[HotView]]:
        """The hot list, a part at a time: those views that are of declared screens, and whose inputs an address
        tells."""
        rank = 0
        while page := await _patiently(partial(self._hot.hottest, rank, _PAGE)):
            rank += len(page)
            found = [(address, self._addresses.find(address)) for address in page]
            yield [HotView(address, *one) for address, one in found if one]

    async def _fill(self) -> None:
        evictions = self._memory.evictions
        async for views in self.listed():
            for start in range(0, len(views), _BATCH):
                await self._take(views[start : start + _BATCH])
                # Whatever comes in now pushes out what is hotter.
                if self._memory.evictions > evictions:
                    return

    async def _take(self, views: Sequence[HotView]) -> None:
        wanted = [view for view in views if self._memory.find(view.address) is None]
        keys = [view.screen.key(self._namespace, view.screen.identity(view.inputs)) for view in wanted]
        entries = await _patiently(partial(self._tier.read, keys))
        for view, key, entry in zip(wanted, keys, entries, strict=True):
            taken = self._taking.take(view.screen, view.address, key, entry)
            if taken is not None and taken[1] is not None:
                self.taken += 1
                self._reading.presume(view.address)


async def _patiently(ask: Callable[[], "asyncio.Future[T]"]) -> T:
    """Ask until there is an answer: whoever waits says for how long."""
    while True:
        try:
            return await ask()
        except TierUnavailable:
            await asyncio.sleep(_AGAIN)
