"""redis-py's client, which sends again what was refused by a server that is not the right one."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from aggregator.servers.connections import REFUSALS

T = TypeVar("T")

# Seconds between two tries to find the right server, and how many: all within the time that one call has.
_AGAIN = Retry(ConstantBackoff(0.02), 25, supported_errors=REFUSALS)


class FoundRedis(Redis):
    """What was refused was not done at all. Where a finder leads the pool it is sent again, and the connection stays
    if the same server is found once more."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """As of its base."""
        return await self._again(partial(super().execute_command, *args, **options))

    async def piped(self, queue: Callable[[Any], None]) -> list[Any]:
        """The replies to what is put into a pipeline, errors among them."""
        return await self._again(partial(self._piped, queue))

    async def _piped(self, queue: Callable[[Any], None]) -> list[Any]:
        async with self.pipeline(transaction=False) as pipe:
            queue(pipe)
            replies = await pipe.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, REFUSALS):
                raise reply
        return replies

    async def _again(self, send: Callable[[], Awaitable[T]]) -> T:
        if "finder" not in self.connection_pool.connection_kwargs:
            return await send()
        return await _AGAIN.call_with_retry(send, _nothing)


async def _nothing(error: Exception) -> None:
    """What redis-py is to do before it is sent again."""
