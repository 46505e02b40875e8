"""Keeping looks up in L2 what L1 answers, so that it is written back before it sinks under the floor."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from aggregator.engine.refresh import Works
from aggregator.engine.restamp import Restamping
from aggregator.model.keys import Key
from aggregator.tiers.tier import TierUnavailable

# Between two looks at a view lie two rounds at most: one after half the retention comes well before all of it is over.
ROUNDS = 8
_BATCH = 64  # views a read


class Keeping:
    """What only L1 is asked for is in nobody's way in L2, and a process that starts later would find it unproven.

    works: what the declaration in force works with. retention: seconds that the log is kept.
    """

    def __init__(self, namespace: str, works: Callable[[], Works], restamping: Restamping, retention: float) -> None:
        self._namespace = namespace
        self._works = works
        self._restamping = restamping
        self._every = retention / ROUNDS

    async def run(self) -> None:
        """Round after round, each spread over its time, until cancelled. Where L2 is away, the next one does it."""
        while True:
            addresses = self._works().reading.heat.addresses()
            batches = [addresses[start : start + _BATCH] for start in range(0, len(addresses), _BATCH)]
            for batch in batches or [[]]:
                await asyncio.sleep(self._every / max(1, len(batches)))
                with suppress(TierUnavailable):
                    await self._look_up(batch)

    async def _look_up(self, addresses: Sequence[bytes]) -> None:
        keys = [key for address in addresses if (key := self._key(address))]
        for key, entry in zip(keys, await self._works().tier.read(keys) if keys else [], strict=True):
            if entry is not None:
                self._restamping.consider(key, entry)

    def _key(self, address: bytes) -> Key | None:
        """Of a view that L1 holds and readers read; None also where the address does not tell it."""
        works = self._works()
        held = works.memory.find(address)
        found = works.addresses.find(address) if held and works.reading.heat_of(held) > 0 else None
        return found and found[0].key(self._namespace, found[0].identity(found[1]))
