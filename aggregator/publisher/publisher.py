"""The publisher for code on an event loop."""

import asyncio
from collections.abc import Sequence
from types import TracebackType

from tenacity import AsyncRetrying

from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import Position
from aggregator.publisher.calls import Batch, Calls
from aggregator.publisher.retries import until
from aggregator.settings import Durability


class Publisher:
    """Appends to the log at a Redis URL.

        async with Publisher("redis://…") as publisher:
            await publisher.invalidate(["user:42"])

    Publish after the commit: a load that begins in between would keep the old answer. Where the process may end in
    between, see `Outbox`.

    deadline: seconds in which an invalidation is tried again while Redis is away; 0 is one try.
    timeout: seconds that one try has, and up to 2 more where it waits for a replica or the disk.
    durability: where an invalidation is before its position is told: in the "memory" of the log's server, in that of
        a "replica" too, or on its "disk" (Redis 7.2 or Valkey, with appendonly yes).
    """

    def __init__(
        self,
        url: str,
        namespace: str = "aggregator",
        *,
        deadline: float = 30.0,
        timeout: float = 1.0,
        durability: Durability = "memory",
    ) -> None:
        self._log = RedisLog(url, namespace, timeout=timeout, durable=durability)
        self._calls = Calls(deadline)
        self._sender: asyncio.Task[None] | None = None

    async def invalidate(self, tags: Sequence[str], id: str | None = None) -> str:
        """The position, once the tags are in the log. Calls that come together without an `id` share a record.

        id: names the invalidation in the log, in every retry alike; one is made where none is given.
        LogUnavailable: it may not be there, publish again; twice does no harm. ValueError: one of the tags is none.
        """
        answer = self._calls.add(tags, id)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        # Sent also where its caller is cancelled: what it says is invalid has been committed.
        return await asyncio.shield(asyncio.wrap_future(answer))

    async def _send(self) -> None:
        while batch := self._calls.take():
            try:
                batch.settle(await self._append(batch))
            except BaseException as error:
                batch.fail(error)
                if not isinstance(error, Exception):
                    raise

    async def _append(self, batch: Batch) -> list[Position]:
        return await AsyncRetrying(**until(batch.until))(self._log.append_all, batch.records)

    async def close(self) -> None:
        """Let what is under way come to its end, and give back the connections."""
        if self._sender:
            await asyncio.wait([self._sender])
        await self._log.close()

    async def __aenter__(self) -> "Publisher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
