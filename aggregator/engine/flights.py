"""A flight is one load a key inside this process; whoever wants the same joins it, if its result is good for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from aggregator.events import Joined, Observer
from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.plan import Want
from aggregator.model.position import Position
from loaders.loader import Failed


class Filled(NamedTuple):
    """What came of a flight. loaded: an MBU was asked. kept: the entry may be stored. held: what was there before,
    which may stand in for a failure."""

    entry: Entry | None
    failure: Failed | None = None
    loaded: bool = False
    kept: bool = True
    held: Entry | None = None


class Landing(NamedTuple):
    """A flight's result, and what has to be done with it once its waiters have it; until that is done, the result
    is found here and nowhere else."""

    filled: Filled
    settle: Callable[[], Awaitable[None]]


Fly = Callable[[], Awaitable[Landing]]


@dataclass(frozen=True, slots=True)
class _Flight:
    """position: the head when it began; its own load begins no earlier."""

    position: Position
    result: "asyncio.Future[Filled]"


class Flights:
    """Bounded by what is being asked for: a flight ends with its load."""

    def __init__(self, ledger: Ledger, observe: Observer) -> None:
        self._ledger = ledger
        self._observe = observe
        self._flights: dict[bytes, _Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, want: Want, since: Position, fly: Fly) -> Filled:
        """The result of the flight of `want.key`, begun by `fly` where there is none.

        A caller that leaves cancels nothing. `since` is the caller's own head when it asked; the race it closes:
        1. A begins to load; the MBU reads the old value.  2. The value changes and is invalidated; the head moves.
        3. B asks, and joins A's flight.  4. A's load ends with the old value, which B must not take: it began after
        the invalidation had been applied. So B goes again, at most once: its own flight begins after `since`.
        """
        flight = self._flights.get(want.key.identity)
        if flight is None or self._doomed(flight, want, since):
            flight = self._begin(want, fly)
        else:
            self._observe(Joined("process"))
        while True:
            filled = await asyncio.shield(flight.result)
            if filled.entry is None or self._ledger.good_for(since, filled.entry.tags, filled.entry.position):
                return filled
            if flight.position >= since:
                return filled
            newer = self._flights.get(want.key.identity)
            flight = newer if newer and newer is not flight else self._begin(want, fly)

    async def close(self, seconds: float) -> None:
        """Wait for what is in the air, so that no lease is left behind; cancel what is late, releasing every waiter."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _doomed(self, flight: _Flight, want: Want, since: Position) -> bool:
        """Is it known already that the flight's result will be no good for somebody who asks at `since`?"""
        return flight.position < since and self._ledger.overtaken(want.tags, flight.position)

    def _begin(self, want: Want, fly: Fly) -> _Flight:
        loop = asyncio.get_running_loop()
        flight = _Flight(self._ledger.head, loop.create_future())
        self._flights[want.key.identity] = flight
        task = loop.create_task(self._run(want.key.identity, flight, fly))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(want.key.identity, flight, done))
        return flight

    async def _run(self, identity: bytes, flight: _Flight, fly: Fly) -> None:
        try:
            landing = await fly()
            flight.result.set_result(landing.filled)
            if not landing.filled.kept:
                self._leave(identity, flight)  # it is for those who waited, and for nobody who comes later
            await landing.settle()
        except Exception as error:
            if flight.result.done():
                raise
            flight.result.set_exception(error)

    def _ended(self, identity: bytes, flight: _Flight, task: "asyncio.Task[None]") -> None:
        """Also where the task was cancelled before its first step."""
        self._tasks.discard(task)
        self._leave(identity, flight)
        _release(flight.result)

    def _leave(self, identity: bytes, flight: _Flight) -> None:
        if self._flights.get(identity) is flight:
            del self._flights[identity]


def _release(result: "asyncio.Future[Filled]") -> None:
    """At shutdown, tell waiters, for whom it must not look as if they themselves had been cancelled."""
    if not result.done():
        result.set_exception(RuntimeError("the load was given up at shutdown"))
        result.exception()  # where nobody waits, nobody needs to be told
