"""Reading notes that held views are read, and counts it into their heat a little later, off the hit path."""

import asyncio
from collections.abc import Callable

from aggregator.clock import FleetClock
from aggregator.model.heat import Heat
from aggregator.model.held import Held

_EVERY = 1.0  # seconds
_STEP = 500  # views between two turns of others


class Reading:
    """first_read: to be told of a held view whose `reads` were 0; then these are counted up by one. on_counted: told of
    each view's reads as they are counted."""

    def __init__(self, heat: Heat, clock: FleetClock) -> None:
        self.heat = heat
        self._clock = clock
        self._read: list[Held] = []
        self.first_read = self._read.append
        self.on_counted: Callable[[bytes, int], None] = _nobody

    def note(self, held: Held) -> None:
        """One read."""
        if not held.reads:
            self.first_read(held)
        held.reads += 1

    def note_at(self, address: bytes) -> None:
        """One read of a view that was not held."""
        self._count(address, 1)

    def presume(self, address: bytes) -> None:
        """What the fleet's readers read most is taken for read twice here, so that it is hot until it cools."""
        self.heat.note(address, 2, self._clock.now())

    def count(self, held: Held) -> None:
        """Count at once, as the view goes."""
        if held.reads:
            self._count(held.key, held.reads)
            held.reads = 0

    def heat_of(self, held: Held) -> float:
        """How much it is read these days, with what is not counted yet."""
        return self.heat.of(held.key, self._clock.now()) + held.reads

    async def run(self) -> None:
        """Count again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            read = self._read.copy()
            self._read.clear()
            for start in range(0, len(read), _STEP):
                for held in read[start : start + _STEP]:
                    self.count(held)
                await asyncio.sleep(0)

    def _count(self, address: bytes, reads: int) -> None:
        self.heat.note(address, reads, self._clock.now())
        self.on_counted(address, reads)


def _nobody(address: bytes, reads: int) -> None:
    """Wants to know."""
