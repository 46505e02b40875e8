"""For MBUs in Python: say which tags are invalid, after the write that made them so is committed."""

import asyncio
from collections.abc import Sequence
from types import TracebackType

from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import text_of


class Publisher:
    """Appends to the log at a Redis URL.

        async with Publisher("redis://…") as publisher:
            await publisher.invalidate(["user:42"])

    Publish after the commit: a load that begins in between would keep the old answer.
    """

    def __init__(self, url: str, namespace: str = "aggregator") -> None:
        self._log = RedisLog(url, namespace)

    async def invalidate(self, tags: Sequence[str], id: str | None = None) -> str:
        """The position, once it is in the log. LogUnavailable: it may not be, publish again; twice does no harm.
        ValueError: one of the tags is none. `id` names the invalidation in logs."""
        return text_of(await self._log.append(tags, id=id))

    async def close(self) -> None:
        """Give back the connections."""
        await self._log.close()

    async def __aenter__(self) -> "Publisher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def publish(url: str, tags: Sequence[str], namespace: str = "aggregator", id: str | None = None) -> str:
    """The same from code without an event loop, on a connection of its own; errors as `Publisher.invalidate`."""

    async def once() -> str:
        async with Publisher(url, namespace) as publisher:
            return await publisher.invalidate(tags, id)

    return asyncio.run(once())
