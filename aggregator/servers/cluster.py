"""Of a Cluster the master is looked for that has the slot of one key, by asking its nodes in turn."""

from collections.abc import Sequence
from typing import Any

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as BlockingRetry

from aggregator.servers.slots import SlotMap
from aggregator.servers.url import Address, place


class SlotOwner:
    """A `Finder`. urls: plain URLs of nodes. within: seconds for asking all of them."""

    def __init__(self, urls: Sequence[str], key: str, within: float) -> None:
        self._urls = urls
        self._key = key
        timeout = within / len(urls)
        self._options: dict[str, Any] = {
            "protocol": 2,
            "driver_info": None,  # as for the log: what it sends takes a right of its own
            "socket_connect_timeout": timeout,
            "socket_timeout": timeout,
        }
        self.last: Address | None = None

    @property
    def due(self) -> bool:
        """Never: a node says itself which slots it has not, or not any more."""
        return False

    async def find(self) -> Address:
        """As in `Finder`."""
        failed: dict[str, Exception] = {}
        for url in self._urls:
            try:
                async with Redis.from_url(url, retry=Retry(NoBackoff(), 0), **self._options) as node:
                    return self._found(node, await node.execute_command("CLUSTER SLOTS"))  # type: ignore[no-untyped-call]
            except (RedisError, OSError) as error:
                failed[url] = error
        raise _nobody(failed)

    def find_blocking(self) -> Address:
        """As in `Finder`."""
        failed: dict[str, Exception] = {}
        for url in self._urls:
            try:
                with redis.Redis.from_url(url, retry=BlockingRetry(NoBackoff(), 0), **self._options) as node:
                    return self._found(node, node.execute_command("CLUSTER SLOTS"))
            except (RedisError, OSError) as error:
                failed[url] = error
        raise _nobody(failed)

    def _found(self, node: Any, reply: Any) -> Address:
        asked = node.connection_pool.connection_kwargs
        slots = SlotMap((asked["host"], asked["port"]))
        slots.take(reply, (asked["host"], asked["port"]))
        self.last = slots.owner(self._key)
        return self.last


def _nobody(failed: dict[str, Exception]) -> ConnectionError:
    said = "; ".join(f"{place(url)}: {error or type(error).__name__}" for url, error in failed.items())
    return ConnectionError(f"no node of the Cluster tells which of them has the log ({said})")
