"""The invalidation log as a Redis stream, with an epoch record beside it that shows when the log was lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from aggregator.invalidation import appending, durability, wire
from aggregator.invalidation.heartbeat import BEAT, beat_of
from aggregator.invalidation.hedged import AT_ONCE
from aggregator.invalidation.log import Batch, Beat, LogUnavailable
from aggregator.invalidation.stream_state import batch_between, state_of
from aggregator.model.position import Position
from aggregator.servers.client import FoundRedis
from aggregator.servers.connections import lead
from aggregator.servers.finder import Finder, finder_of
from aggregator.servers.url import RedisUrl
from aggregator.settings import Durability


class RedisLog:
    """A `Log` on one Redis 7, Valkey, or compatible server.

    timeout: seconds after which any call is given up; `read` may take its `block` longer.
    wall: Unix seconds, noted in what is appended, for lag metrics only.
    durable: where an append is before its position is told; Unconfirmed, a LogUnavailable, where it is not in time.
    """

    def __init__(
        self,
        url: str,
        namespace: str = "aggregator",
        *,
        timeout: float = 1.0,
        wall: Callable[[], float] = time.time,
        durable: Durability = "memory",
    ) -> None:
        self._namespace = namespace
        self._stream = wire.stream_key(namespace)
        self._epoch = wire.epoch_key(namespace)
        self._timeout = timeout
        self._wall = wall
        self._durable = durable
        # Apart, so that no burst of appends keeps a reader or its heartbeat waiting for a connection.
        found = RedisUrl.of(url)
        finder = finder_of(found, timeout / 2, self._stream)
        self._own = _connect(found.plain, finder, timeout, 2 * AT_ONCE)
        self._appends = _connect(found.plain, finder, timeout, durability.connections(durable))
        # As a flat list of fields, not as a dictionary: see wire.decode_tags.
        for command in ("XREAD", "XRANGE", "XINFO STREAM"):
            self._own.set_response_callback(command, _untouched)

    async def append(self, tags: Sequence[str], *, id: str | None = None, by: str | None = None) -> Position:
        """As in `Log`; ValueError for what is no tag."""
        [position] = await self.append_all([wire.encode(tags, id, by, self._wall())])
        return position

    async def append_all(self, records: Sequence[dict[str, str]]) -> list[Position]:
        """Add encoded records, all of them or none. Before any service has begun the log, this begins it."""
        appended = await self._append(records)
        if appended is None:
            # Appended, but nowhere: without an epoch nobody could say whether a process has got that far.
            await self.begin_epoch(None, 1)
            appended = await self._append(records)
        if appended is None:
            raise appending.vanished(self._namespace)
        return appended

    async def _append(self, records: Sequence[dict[str, str]]) -> list[Position] | None:
        limit = self._timeout + durability.limit(self._durable)
        queue = partial(appending.queue, namespace=self._namespace, records=records, durable=self._durable)
        async with _within(limit, "append"):
            return appending.positions(await self._appends.piped(queue), self._durable)

    async def ask_durable(self) -> None:
        """NeverDurable where the server cannot make appends as durable as they are to be."""
        async with _within(self._timeout, "ask_durable"):
            for command in durability.wait(self._durable, 0.001):
                try:
                    await self._appends.execute_command(*command)
                except ResponseError as error:
                    raise durability.refusal(self._durable, error) from error

    async def read(self, after: str, count: int, block: float) -> Batch:
        """As in `Log`. XREAD only waits: Redis lets it skip what was trimmed, and says nothing of it."""
        async with _within(block + self._timeout, "read"):
            if block:
                milliseconds = max(1, round(block * 1000))  # 0 would be for ever
                await self._own.xread({self._stream: after}, count=1, block=milliseconds)
            # No transaction: a full server refuses it.
            before, found, behind = await self._own.piped(partial(self._queue_read, after, count))
            return batch_between(state_of(before), found, state_of(behind))

    def _queue_read(self, after: str, count: int, pipe: Any) -> None:
        pipe.xinfo_stream(self._stream)
        pipe.xrange(self._stream, f"({after}", "+", count)
        pipe.xinfo_stream(self._stream)

    async def beat(self) -> Beat:
        """As in `Log`."""
        keys = (self._epoch, self._stream)
        async with _within(self._timeout, "beat"):
            return beat_of(await self._own.eval(BEAT, len(keys), *keys))

    async def begin_epoch(self, unlike: int | None, at_least: int) -> None:
        """As in `Log`; the new epoch is the server's time in microseconds, and later than every known one."""
        keys = (self._stream, self._epoch)
        replaced = "" if unlike is None else str(unlike)
        async with _within(self._timeout, "begin_epoch"):
            await self._appends.eval(appending.BEGIN_EPOCH, len(keys), *keys, replaced, str(at_least))

    async def evaluate(self, script: str, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """What a script says that runs on the log's server; LogUnavailable if it cannot be reached."""
        async with _within(self._timeout, "evaluate"):
            return await self._appends.eval(script, len(keys), *keys, *args)

    async def trim(self, older_than: float) -> None:
        """As in `Log`."""
        newest = int(older_than * 1000) - 1
        if newest < 0:
            return
        async with _within(self._timeout, "trim"):
            marks = await self._appends.xrevrange(self._stream, max=str(newest), min="-", count=1)
            if marks:
                await self._appends.xtrim(self._stream, minid=marks[0][0], approximate=False)

    async def close(self) -> None:
        """As in `Log`."""
        await self._own.aclose()
        await self._appends.aclose()


def _untouched(response: Any, **kwargs: Any) -> Any:
    return response


def _connect(plain: str, finder: Finder | None, timeout: float, connections: int) -> FoundRedis:
    """What failed is not sent again: who calls knows better when. Every call has its own time limit, so that reading
    has none, and a wait for a free connection ends with it."""
    pool = BlockingConnectionPool.from_url(
        plain,
        max_connections=connections,
        timeout=timeout,
        protocol=2,
        driver_info=None,  # no CLIENT SETINFO, which takes a right of its own, and which Redis 7.0 does not know
        decode_responses=False,
        socket_connect_timeout=timeout,
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),
    )
    lead(pool, finder)
    return FoundRedis.from_pool(pool)  # type: ignore[return-value]  # it gives what it is called on


@asynccontextmanager
async def _within(seconds: float, what: str) -> AsyncIterator[None]:
    """Whatever Redis or the network do, it is LogUnavailable, and not later than that."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise LogUnavailable(f"{what}: {str(error) or type(error).__name__}") from error
