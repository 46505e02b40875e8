"""All commands of one event-loop tick in one round trip: reads joined into one MGET, scripts behind it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Protocol, TypeVar

from aggregator.tiers.command import Command
from aggregator.tiers.connection import Back
from aggregator.tiers.scripts import Script
from aggregator.tiers.server import Call
from aggregator.tiers.trip import Trip

_SLICES = 10
# Seconds that a command nobody waits for may wait for others to go with.
_LINGER = 0.002

T = TypeVar("T")


class Sending(Protocol):
    """Where calls go: a `Link`, or what plays one."""

    def send(self, calls: Sequence[Call], back: Back) -> None:
        """Send calls, at least one, and call `back` with their replies, or with why there are none."""

    async def close(self) -> None:
        """Give up what is under way."""


class Commands(Protocol):
    """What runs commands: a `Pipeline`, whose methods these are, or one to each of several nodes."""

    def get(self, keys: Sequence[str], read: Callable[[list[bytes | None]], T]) -> "asyncio.Future[T]":
        """Read keys."""

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int], read: Callable[[Any], T]
    ) -> "asyncio.Future[T]":
        """Run a script."""

    def run_soon(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int], read: Callable[[Any], T]
    ) -> "asyncio.Future[T]":
        """Run a script that no answer waits for."""

    async def close(self) -> None:
        """Give up what is under way."""


class Pipeline:
    """Commands in, futures out; every future is done within `budget` seconds, with TierUnavailable if need be. Time in
    which the event loop is held up by others is not counted.

    At most `cap` keys go in one round trip, and at most `in_flight` round trips are under way: what comes meanwhile
    joins the next one. A waiter that gives up, or is cancelled, leaves its round trip running: the reply is read and
    dropped, so that a slow moment costs no connection and a slow first connection still comes about. How long a
    round trip may last at all is the link's to say.

    `read` makes of a reply what its waiter is given; where it raises, that waiter has TierUnavailable.
    trip: makes one of the commands that go together.
    """

    def __init__(
        self,
        link: Sending,
        budget: float = 0.05,
        cap: int = 512,
        in_flight: int = 4,
        trip: Callable[[Sequence[Command]], Trip] = Trip,
    ) -> None:
        self._link = link
        self._budget = budget
        self._cap = cap
        self._in_flight = in_flight
        self._trip = trip
        self._tick: list[Command] = []
        self._lingering: list[Command] = []
        self._waiting: deque[Command] = deque()
        self._under_way = 0
        # What was sent in one tick, with the slices that were over then, until all of it is done.
        self._owed: deque[tuple[int, list[Command]]] = deque()
        self._slices = 0

    def get(self, keys: Sequence[str], read: Callable[[list[bytes | None]], T]) -> "asyncio.Future[T]":
        """The values of `keys`, in their order; None for what is missing or not a string."""
        return self._issue(Command(self._future(), keys, read))

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int], read: Callable[[Any], T]
    ) -> "asyncio.Future[T]":
        """What `script` returns."""
        return self._issue(Command(self._future(), keys, read, script, args))

    def run_soon(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int], read: Callable[[Any], T]
    ) -> "asyncio.Future[T]":
        """The same for what no answer waits for: it goes with the next round trip, or alone a little later, so that
        what an answer waits for is sent first."""
        if not self._lingering:
            self._loop.call_later(_LINGER, self._end_tick)
        command = Command(self._future(), keys, read, script, args)
        self._lingering.append(command)
        return command.future

    async def close(self) -> None:
        """Give up what is under way, and the connection."""
        for command in (*self._tick, *self._lingering, *self._waiting):
            command.fail("the connection to L2 is closed")
        self._tick, self._lingering = [], []
        self._waiting.clear()
        await self._link.close()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # Asked for once: before Python 3.12 it costs a system call each time.
        return asyncio.get_running_loop()

    def _future(self) -> "asyncio.Future[Any]":
        return self._loop.create_future()

    def _issue(self, command: Command) -> "asyncio.Future[Any]":
        if not self._tick:
            self._loop.call_soon(self._end_tick)
        self._tick.append(command)
        return command.future

    def _end_tick(self) -> None:
        tick, self._tick, self._lingering = [*self._tick, *self._lingering], [], []
        if not tick:
            return
        if not self._owed:
            self._wait()
        self._owed.append((self._slices, tick))
        self._waiting.extend(tick)
        self._send()

    def _wait(self) -> None:
        """Spend the budget a slice at a time, so that only the time in which this process could look is counted.

        1. 200 requests arrive in a tick; their reads are sent. 2. L2 answers within 1 ms. 3. The requests keep the
        loop busy for 60 ms. 4. One timer of the whole budget fires before the replies are read: 200 loads go to the
        MBUs without a lease, and the breaker opens, although L2 was never slow.
        """
        self._loop.call_later(self._budget / _SLICES, self._look)

    def _look(self) -> None:
        self._slices += 1
        while self._owed and self._is_over(*self._owed[0]):
            self._owed.popleft()
        if self._owed:
            self._wait()

    def _is_over(self, sent: int, tick: list[Command]) -> bool:
        done = all(command.future.done() for command in tick)
        if not done and self._slices - sent >= _SLICES:
            self._give_up(tick)
            return True
        return done

    def _give_up(self, tick: list[Command]) -> None:
        for command in tick:
            command.fail(f"L2 did not answer within {self._budget * 1000:.0f} ms")
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()

    def _send(self) -> None:
        while self._under_way < self._in_flight and (batch := self._next_batch()):
            self._under_way += 1
            trip = self._trip(batch)
            self._link.send(trip.calls(), partial(self._back, trip))

    def _next_batch(self) -> list[Command]:
        batch: list[Command] = []
        room = self._cap
        while self._waiting and (not batch or room >= len(self._waiting[0].keys)):
            command = self._waiting.popleft()
            if not command.future.done():
                batch.append(command)
                room -= len(command.keys)
        return batch

    def _back(self, trip: Trip, replies: list[Any] | OSError) -> None:
        unknown: list[Command] = []
        try:
            if isinstance(replies, OSError):
                trip.fail(replies)
            else:
                unknown = trip.deal(replies)
        finally:  # A trip that never ended would keep its place for good.
            if unknown:
                self._link.send([run.by_text() for run in unknown], partial(self._back_by_text, trip, unknown))
            else:
                self._ended()

    def _back_by_text(self, trip: Trip, runs: list[Command], replies: list[Any] | OSError) -> None:
        try:
            if isinstance(replies, OSError):
                trip.fail(replies)
            else:
                for run, reply in zip(runs, replies, strict=True):
                    trip.settle(run, reply)
        finally:
            self._ended()

    def _ended(self) -> None:
        self._under_way -= 1
        self._send()
