"""A pace lets one after another go on, evenly, so many a second."""

import asyncio


class Pace:
    """rate: turns a second. Time in which nobody asked for a turn is not made up for."""

    def __init__(self, rate: float) -> None:
        self._interval = 1.0 / rate
        self._next = float("-inf")

    async def turn(self) -> None:
        """Wait for the next turn."""
        now = asyncio.get_running_loop().time()
        at = max(self._next, now)
        self._next = at + self._interval
        await asyncio.sleep(at - now)
