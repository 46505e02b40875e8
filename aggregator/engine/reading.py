"""Reading notes that held views are read, and counts it into their heat a little later, off the hit path."""

import asyncio

from aggregator.clock import FleetClock
from aggregator.model.heat import Heat
from aggregator.model.held import Held

_EVERY = 1.0  # seconds
_STEP = 500  # views between two turns of others


class Reading:
    """first_read: to be told of a held view whose `reads` were 0; then these are counted up by one."""

    def __init__(self, heat: Heat, clock: FleetClock) -> None:
        self.heat = heat
        self._clock = clock
        self._read: list[Held] = []
        self.first_read = self._read.append

    def note(self, held: Held) -> None:
        """One read."""
        if not held.reads:
            self.first_read(held)
        held.reads += 1

    def note_at(self, address: bytes) -> None:
        """One read of a view that was not held."""
        self.heat.note(address, 1, self._clock.now())

    def presume(self, address: bytes) -> None:
        """What the fleet's readers read most is taken for read twice here, so that it is hot until it cools."""
        self.heat.note(address, 2, self._clock.now())

    def count(self, held: Held) -> None:
        """Count at once, as the view goes."""
        if held.reads:
            self.heat.note(held.key, held.reads, self._clock.now())
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
