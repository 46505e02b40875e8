"""A flight is one load a key inside this process; whoever wants the same joins it, if its result is good for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from aggregator.events import Joined, Observer, Trouble
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
    """A flight's result, and what has to be done with it once its waiters have it (a future, or None where nothing
    has); until that is done, the result is found here and nowhere else."""

    filled: Filled
    settle: Callable[[], "asyncio.Future[Any] | None"]


Fly = Callable[[], Awaitable[Landing]]


@dataclass(frozen=True, slots=True)
class Flight:
    """position: the head when it began; its own load begins no earlier."""

    position: Position
    result: "asyncio.Future[Filled]"


class Flights:
    """Bounded by what is being asked for: a flight ends with its load."""

    def __init__(self, ledger: Ledger, observe: Observer) -> None:
        self._ledger = ledger
        self._observe = observe
        self._flights: dict[bytes, Flight] = {}
        self._under_way: set[asyncio.Future[Any]] = set()  # loads, and what is done with their results

    def __len__(self) -> int:
        return len(self._flights)

    def board(self, want: Want, since: Position, fly: Fly) -> Flight:
        """The flight of `want.key` that is to be waited for first, begun by `fly` where there is none."""
        flight = self._flights.get(want.key.identity)
        if flight is None or self._doomed(flight, want, since):
            return self._begin(want, fly)
        self._observe(Joined("process"))
        return flight

    async def join(self, want: Want, since: Position, fly: Fly, flight: Flight | None = None) -> Filled:
        """A result of a flight of `want.key` that is good for the caller. flight: the one that it has boarded.

        A caller that leaves cancels nothing. `since` is the caller's own head when it asked; the race it closes:
        1. A begins to load; the MBU reads the old value.  2. The value changes and is invalidated; the head moves.
        3. B asks, and joins A's flight.  4. A's load ends with the old value, which B must not take: it began after
        the invalidation had been applied. So B goes again, at most once: its own flight begins after `since`.
        """
        flight = flight or self.board(want, since, fly)
        while True:
            filled = await asyncio.shield(flight.result)
            if self.good(flight, filled, since):
                return filled
            newer = self._flights.get(want.key.identity)
            flight = newer if newer and newer is not flight else self._begin(want, fly)

    def good(self, flight: Flight, filled: Filled, since: Position) -> bool:
        """May a caller whose head was `since` when it asked take this result of the flight?"""
        if filled.entry is None or flight.position >= since:
            return True
        return self._ledger.good_for(since, filled.entry.tags, filled.entry.position)

    async def close(self, seconds: float) -> None:
        """Wait for what is in the air, so that no lease is left behind; cancel what is late, releasing every waiter."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._under_way and loop.time() < end:  # a load that ends goes on with what is done with its result
            await asyncio.wait(self._under_way, timeout=end - loop.time())
        for one in (late := list(self._under_way)):
            one.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _doomed(self, flight: Flight, want: Want, since: Position) -> bool:
        """Is it known already that the flight's result will be no good for somebody who asks at `since`?"""
        return flight.position < since and self._ledger.overtaken(want.tags, flight.position)

    def _begin(self, want: Want, fly: Fly) -> Flight:
        loop = asyncio.get_running_loop()
        flight = Flight(self._ledger.head, loop.create_future())
        self._flights[want.key.identity] = flight
        task = loop.create_task(self._run(want.key.identity, flight, fly))
        self._under_way.add(task)
        task.add_done_callback(partial(self._ended, want.key.identity, flight))
        return flight

    async def _run(self, identity: bytes, flight: Flight, fly: Fly) -> "asyncio.Future[Any] | None":
        """What is still to be waited for when the result is there."""
        try:
            landing = await fly()
        except Exception as error:
            flight.result.set_exception(error)
            return None
        flight.result.set_result(landing.filled)
        if not landing.filled.kept:
            self._leave(identity, flight)  # it is for those who waited, and for nobody who comes later
        return landing.settle()

    def _ended(self, identity: bytes, flight: Flight, task: "asyncio.Task[asyncio.Future[Any] | None]") -> None:
        """Also where the task was cancelled before its first step."""
        self._under_way.discard(task)
        _release(flight.result)
        settling = None
        if not task.cancelled():
            if error := task.exception():
                self._observe(Trouble("background", repr(error)))
            else:
                settling = task.result()
        if settling is None:
            self._leave(identity, flight)
        else:
            self._under_way.add(settling)
            settling.add_done_callback(partial(self._settled, identity, flight))

    def _settled(self, identity: bytes, flight: Flight, settling: "asyncio.Future[Any]") -> None:
        self._under_way.discard(settling)
        self._leave(identity, flight)
        if not settling.cancelled():
            settling.exception()  # L2 did not take it: the waiters have their answer; the next reader loads again

    def _leave(self, identity: bytes, flight: Flight) -> None:
        if self._flights.get(identity) is flight:
            del self._flights[identity]


def _release(result: "asyncio.Future[Filled]") -> None:
    """At shutdown, tell waiters, for whom it must not look as if they themselves had been cancelled."""
    if not result.done():
        result.set_exception(RuntimeError("the load was given up at shutdown"))
        result.exception()  # where nobody waits, nobody needs to be told
