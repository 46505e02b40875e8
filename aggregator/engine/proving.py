"""Proving again, off the hit path, what lies below the barrier: of what is read these days, before it is read."""

import asyncio
from collections.abc import Callable, Iterable

from aggregator.model.heat import Heat
from aggregator.model.held import Held
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from aggregator.tiers.memory import MemoryTier

_STEP = 20  # views between two turns of others
_EVERY = 0.25  # seconds: each time all that is read is looked at


class Proving:
    """on_overtaken: told of what L1 had to let go, and of the head at which that was found."""

    def __init__(
        self,
        heat: Heat,
        memory: MemoryTier,
        ledger: Ledger,
        on_overtaken: Callable[[Iterable[Held], Position], None],
    ) -> None:
        self._heat = heat
        self._memory = memory
        self._ledger = ledger
        self._on_overtaken = on_overtaken
        self._raised = asyncio.Event()

    def barrier_raised(self) -> None:
        """There may be something to do."""
        self._raised.set()

    async def run(self) -> None:
        """Do it whenever there is, until cancelled."""
        while True:
            await self._raised.wait()
            self._raised.clear()
            for number, address in enumerate(self._heat.addresses()):
                if (held := self._memory.find(address)) is not None:
                    self._prove(held)
                if number % _STEP == 0:
                    await asyncio.sleep(0)
            await asyncio.sleep(_EVERY)

    def _prove(self, held: Held) -> None:
        if held.position >= self._ledger.barrier:
            return
        if self._ledger.current(held.tags, held.position):
            held.position = self._ledger.head
        else:
            self._memory.remove(held)
            self._on_overtaken([held], self._ledger.head)
