"""All commands of one event-loop tick in one round trip: reads joined into one MGET, scripts behind it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from aggregator.tiers.scripts import Script
from aggregator.tiers.tier import TierUnavailable

_SLICES = 10
# Seconds that a command nobody waits for may wait for others to go with.
_LINGER = 0.002

Call = tuple[str | bytes | int, ...]


@dataclass(frozen=True, slots=True)
class _Command:
    """A read of `keys`, or a run of `script` on them, and who waits for it."""

    future: "asyncio.Future[Any]"
    keys: Sequence[str]
    script: Script | None = None
    args: Sequence[bytes | int] = ()

    def by_name(self, script: Script) -> Call:
        return ("EVALSHA", script.sha, len(self.keys), *self.keys, *self.args)

    def by_text(self, script: Script) -> Call:
        return ("EVAL", script.text, len(self.keys), *self.keys, *self.args)

    def settle(self, reply: object) -> None:
        if isinstance(reply, Exception):
            self.fail(f"the server refused: {reply}", reply)
        elif not self.future.done():
            self.future.set_result(reply)

    def fail(self, why: str, cause: Exception | None = None) -> None:
        if not self.future.done():
            error = TierUnavailable(why)
            error.__cause__ = cause
            self.future.set_exception(error)


class Pipeline:
    """Commands in, futures out; every future is done within `budget` seconds, with TierUnavailable if need be. Time in
    which the event loop is held up by others is not counted.

    At most `cap` keys go in one round trip, and at most `in_flight` round trips are under way: what comes meanwhile
    joins the next one. A waiter that gives up, or is cancelled, leaves its round trip running: the reply is read and
    dropped, so that a slow moment costs no connection and a slow first connection still comes about. How long a
    round trip may last at all is the client's socket timeout.
    """

    def __init__(self, client: "Redis", budget: float = 0.05, cap: int = 512, in_flight: int = 4) -> None:
        self._client = client
        self._budget = budget
        self._cap = cap
        self._in_flight = in_flight
        self._tick: list[_Command] = []
        self._lingering: list[_Command] = []
        self._waiting: deque[_Command] = deque()
        self._trips: set[asyncio.Task[None]] = set()

    def get(self, keys: Sequence[str]) -> "asyncio.Future[list[bytes | None]]":
        """The values of `keys`, in their order; None for what is missing or not a string."""
        return self._issue(keys)

    def run(self, script: Script, keys: Sequence[str], args: Sequence[bytes | int]) -> "asyncio.Future[Any]":
        """What `script` returns."""
        return self._issue(keys, script, args)

    def run_soon(self, script: Script, keys: Sequence[str], args: Sequence[bytes | int]) -> "asyncio.Future[Any]":
        """The same for what no answer waits for: it goes with the next round trip, or alone a little later, so that
        what an answer waits for is sent first."""
        loop = asyncio.get_running_loop()
        if not self._lingering:
            loop.call_later(_LINGER, self._end_tick)
        command = _Command(loop.create_future(), keys, script, args)
        self._lingering.append(command)
        return command.future

    async def close(self) -> None:
        """Give up what is under way, and the connections."""
        for command in (*self._tick, *self._lingering, *self._waiting):
            command.fail("the connection to L2 is closed")
        trips = tuple(self._trips)
        for trip in trips:
            trip.cancel()
        await asyncio.gather(*trips, return_exceptions=True)
        await self._client.aclose()

    def _issue(
        self, keys: Sequence[str], script: Script | None = None, args: Sequence[bytes | int] = ()
    ) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        if not self._tick:
            loop.call_soon(self._end_tick)
        command = _Command(loop.create_future(), keys, script, args)
        self._tick.append(command)
        return command.future

    def _end_tick(self) -> None:
        tick, self._tick, self._lingering = [*self._tick, *self._lingering], [], []
        if not tick:
            return
        self._wait(tick, _SLICES)
        self._waiting.extend(tick)
        self._send()

    def _wait(self, tick: list[_Command], slices: int) -> None:
        """Spend the budget a slice at a time, so that only the time in which this process could look is counted.

        1. 200 requests arrive in a tick; their reads are sent. 2. L2 answers within 1 ms. 3. The requests keep the
        loop busy for 60 ms. 4. One timer of the whole budget fires before the replies are read: 200 loads go to the
        MBUs without a lease, and the breaker opens, although L2 was never slow.
        """
        if not slices:
            self._give_up(tick)
        elif not all(command.future.done() for command in tick):
            asyncio.get_running_loop().call_later(self._budget / _SLICES, self._wait, tick, slices - 1)

    def _give_up(self, tick: list[_Command]) -> None:
        for command in tick:
            command.fail(f"L2 did not answer within {self._budget * 1000:.0f} ms")
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()

    def _send(self) -> None:
        while len(self._trips) < self._in_flight and (batch := self._next_batch()):
            trip = asyncio.get_running_loop().create_task(self._round_trip(batch))
            self._trips.add(trip)
            trip.add_done_callback(self._back)

    def _back(self, trip: asyncio.Task[None]) -> None:
        self._trips.discard(trip)
        self._send()

    def _next_batch(self) -> list[_Command]:
        batch: list[_Command] = []
        room = self._cap
        while self._waiting and (not batch or room >= len(self._waiting[0].keys)):
            command = self._waiting.popleft()
            if not command.future.done():
                batch.append(command)
                room -= len(command.keys)
        return batch

    async def _round_trip(self, batch: list[_Command]) -> None:
        try:
            unknown = await self._exchange(batch)
            if unknown:
                await self._exchange_by_text(unknown)
        except (RedisError, OSError) as error:
            for command in batch:
                command.fail(f"L2 is not reachable: {error}", error)
        finally:
            for command in batch:
                command.fail("the round trip to L2 was given up")

    async def _exchange(self, batch: list[_Command]) -> list[tuple[_Command, Script]]:
        """Settle the batch, but for the scripts that the server does not know (any more): those are returned."""
        reads = [command for command in batch if command.script is None]
        runs = [(command, command.script) for command in batch if command.script is not None]
        calls: list[Call] = [("MGET", *(key for read in reads for key in read.keys))] if reads else []
        replies = iter(await self._send_all(calls + [command.by_name(script) for command, script in runs]))
        if reads:
            _deal(reads, next(replies))
        unknown = []
        for (command, script), reply in zip(runs, replies, strict=True):
            if isinstance(reply, NoScriptError):
                unknown.append((command, script))
            else:
                command.settle(reply)
        return unknown

    async def _exchange_by_text(self, runs: list[tuple[_Command, Script]]) -> None:
        """Run by full text what was not run by name; the server keeps the text from then on."""
        replies = await self._send_all([command.by_text(script) for command, script in runs])
        for (command, _), reply in zip(runs, replies, strict=True):
            command.settle(reply)

    async def _send_all(self, calls: list[Call]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.execute_command(*call)
            return await pipe.execute(raise_on_error=False)


def _deal(reads: list[_Command], reply: Any) -> None:
    """Give each reader its part of the joined reply."""
    values = None if isinstance(reply, Exception) else iter(reply)
    for read in reads:
        read.settle(reply if values is None else list(islice(values, len(read.keys))))
