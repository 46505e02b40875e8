"""Links for tests of the pipeline: what speaks to fakeredis, what notes each trip, and what takes its time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import redis.asyncio
from hiredis import ReplyError
from redis.exceptions import NoScriptError, RedisError

from aggregator.tiers.connection import Back
from aggregator.tiers.pipeline import Sending
from aggregator.tiers.server import Call


class FakeRedisLink:
    """Sends through a client of redis-py, as fakeredis has one."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, calls: Sequence[Call], back: Back) -> None:
        task = asyncio.get_running_loop().create_task(self._send(calls, back))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._client.aclose()

    async def _send(self, calls: Sequence[Call], back: Back) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.execute_command(*call)
            try:
                replies = await pipe.execute(raise_on_error=False)
            except (RedisError, OSError) as error:
                back(ConnectionError(str(error)))
            except asyncio.CancelledError:
                back(ConnectionError("it is closed"))
                raise
            else:
                back([_as_hiredis(reply) for reply in replies])


def _as_hiredis(reply: Any) -> Any:
    if isinstance(reply, NoScriptError):
        return ReplyError(f"NOSCRIPT {reply}")
    return ReplyError(str(reply)) if isinstance(reply, Exception) else reply


class CountedLink:
    """Notes the commands of each trip. sent: something was."""

    def __init__(self, link: Sending) -> None:
        self._link = link
        self.trips: list[list[Any]] = []
        self.sent = asyncio.Event()

    def send(self, calls: Sequence[Call], back: Back) -> None:
        self.trips.append([call[0] for call in calls])
        self.sent.set()
        self._link.send(calls, back)

    async def close(self) -> None:
        await self._link.close()


class SlowLink:
    """Trips take `seconds`; every value is its own key."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.trips: list[list[Call]] = []
        self.under_way = 0
        self.most = 0
        self._backs: list[Back] = []

    def send(self, calls: Sequence[Call], back: Back) -> None:
        self.trips.append([*calls])
        self._backs.append(back)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        asyncio.get_running_loop().call_later(self.seconds, self._arrive, calls, back)

    async def close(self) -> None:
        backs, self._backs = self._backs, []
        for back in backs:
            back(ConnectionError("it is closed"))

    def _arrive(self, calls: Sequence[Call], back: Back) -> None:
        if back in self._backs:
            self._backs.remove(back)
            self.under_way -= 1
            back([[*call[1:]] for call in calls])


class OddLink:
    """Gives every trip the same replies, or first those of `turns`, and notes what a trip's end raises."""

    def __init__(self, replies: list[Any]) -> None:
        self.replies = replies
        self.turns: list[list[Any]] = []
        self.raised: list[Exception] = []

    def send(self, calls: Sequence[Call], back: Back) -> None:
        asyncio.get_running_loop().call_soon(self._arrive, back)

    async def close(self) -> None:
        pass

    def _arrive(self, back: Back) -> None:
        try:
            back(self.turns.pop() if self.turns else self.replies)
        except Exception as error:
            self.raised.append(error)
