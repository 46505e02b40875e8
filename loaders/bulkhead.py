"""A bulkhead lets a bounded number of loads be in flight; more wait their turn, or are shed."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from math import isfinite

from loaders.gathering import asking, gathered
from loaders.loader import Failed, Loader, LoadRequest, Outcome, Reason


class Bulkhead:
    """At most `max_in_flight` loads at a time; at most `max_queued` more wait, first come first served, for half of
    the time until their `expires_at`. The rest are Failed(SHED) with `retry_after` seconds.

    A place is free, or somebody waits; never both.
    """

    def __init__(self, inner: Loader, max_in_flight: int, max_queued: int = 1024, retry_after: float = 1.0) -> None:
        self._inner = inner
        self._ask = asking(inner)
        self._free = self._places = max_in_flight
        self._max_queued = max_queued
        self._retry_after = retry_after
        # Each waits for a future: True = the place is yours, False = your time is over.
        self._queue: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    @property
    def in_flight(self) -> int:
        """Places taken."""
        return self._places - self._free

    @property
    def queued(self) -> int:
        """Loads waiting for a place."""
        return len(self._queue)

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """Each request takes a place of its own."""
        return await gathered(self.load_one, requests)

    async def close(self) -> None:
        """Close what is wrapped."""
        await self._inner.close()

    async def load_one(self, request: LoadRequest) -> Outcome:
        """The same for one; what raises under it is raised."""
        if not await self._enter(request.expires_at):
            return Failed(Reason.SHED, f"{self._places} loads in flight and no place in time", self._retry_after)
        try:
            return await self._ask(request)
        finally:
            self._leave()

    async def _enter(self, expires_at: float) -> bool:
        if self._free:
            self._free -= 1
            return True
        if len(self._queue) >= self._max_queued:
            return False
        return await self._wait(expires_at)

    async def _wait(self, expires_at: float) -> bool:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._queue[turn] = None
        # A place that comes at the last moment would be held for nothing: the load would be late, and the MBU blamed.
        latest = (loop.time() + expires_at) / 2
        timer = loop.call_at(latest, self._expire, turn) if isfinite(latest) else None
        try:
            return await turn
        except asyncio.CancelledError:
            # 1. A leaves and gives its place to waiting B. 2. B is cancelled before it runs again. 3. B will never
            # leave what it never entered: it must hand the place on here, or it is lost for good.
            self._queue.pop(turn, None)
            if not turn.cancelled() and turn.done() and turn.result():
                self._leave()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _leave(self) -> None:
        while self._queue:
            turn, _ = self._queue.popitem(last=False)
            if not turn.done():  # a cancelled waiter stays in the queue until it runs again
                turn.set_result(True)
                return
        self._free += 1

    def _expire(self, turn: "asyncio.Future[bool]") -> None:
        self._queue.pop(turn, None)
        if not turn.done():
            turn.set_result(False)
