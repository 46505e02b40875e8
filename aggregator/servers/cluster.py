"""Of a Cluster the master is looked for that has the slot of one key, by asking its nodes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import redis
from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as BlockingRetry

from aggregator.servers.slots import owner_in
from aggregator.servers.url import Address

_AWAY = (RedisError, OSError)
_Failed = dict[Address, Exception]


class SlotOwner:
    """A `Finder`. urls: plain URLs of nodes. within: seconds for all of it. On an event loop the next node is asked as
    well when one has kept silent for its share of them; else one after another, each in its share."""

    def __init__(self, urls: Sequence[str], key: str, within: float) -> None:
        self._url = urls[0]  # but for the address they are alike
        self._nodes: list[Address] = [(said["host"], said["port"]) for said in map(parse_url, urls)]
        self._key = key
        self._within = within
        self._finds = 0
        self.last: Address | None = None

    @property
    def due(self) -> bool:
        """Never: a node says itself which slots it has not, or not any more."""
        return False

    async def find(self) -> Address:
        """As in `Finder`."""
        turn = self._turn()
        failed: _Failed = {node: TimeoutError(f"no answer within {self._within:g} s") for node in turn}
        try:
            async with asyncio.timeout(self._within):
                self.last = await self._first(turn, failed)
        except TimeoutError:
            raise _nobody(failed) from None
        return self.last

    async def _first(self, turn: list[Address], failed: _Failed) -> Address:
        share = self._within / len(turn)
        asked: set[asyncio.Task[Address | None]] = set()
        try:
            while turn or asked:
                if turn:
                    asked.add(asyncio.create_task(self._ask(turn.pop(0), failed)))
                wait = share if turn else None
                done, asked = await asyncio.wait(asked, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if found := next(filter(None, [task.result() for task in done]), None):
                    return found
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise _nobody(failed)

    async def _ask(self, node: Address, failed: _Failed) -> Address | None:
        try:
            async with Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), **_options(self._within)) as client:
                client.connection_pool.connection_kwargs.update(host=node[0], port=node[1])
                return self._owner(await client.execute_command("CLUSTER SLOTS"), node)  # type: ignore[no-untyped-call]
        except _AWAY as error:
            failed[node] = error
        return None

    def find_blocking(self) -> Address:
        """As in `Finder`."""
        turn = self._turn()
        failed: _Failed = {}
        for node in turn:
            if found := self._ask_blocking(node, self._within / len(turn), failed):
                self.last = found
                return found
        raise _nobody(failed)

    def _ask_blocking(self, node: Address, timeout: float, failed: _Failed) -> Address | None:
        try:
            with redis.Redis.from_url(self._url, retry=BlockingRetry(NoBackoff(), 0), **_options(timeout)) as client:
                client.connection_pool.connection_kwargs.update(host=node[0], port=node[1])
                return self._owner(client.execute_command("CLUSTER SLOTS"), node)
        except _AWAY as error:
            failed[node] = error
        return None

    def _turn(self) -> list[Address]:
        """The one found last, to say itself whether it is still the one; then each time another one first: a node that
        is cut off from the others tells for good what was so once."""
        first = self._finds % len(self._nodes)
        self._finds += 1
        last = [self.last] if self.last else []
        return [*dict.fromkeys([*last, *self._nodes[first:], *self._nodes[:first]])]

    def _owner(self, reply: Any, asked: Address) -> Address:
        if owner := owner_in(reply, self._key, asked):
            return owner
        raise ConnectionError("it knows nobody who has the slot of the log")


def _options(timeout: float) -> dict[str, Any]:
    return {
        "protocol": 2,
        "driver_info": None,  # as for the log: what it sends takes a right of its own
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
    }


def _nobody(failed: _Failed) -> ConnectionError:
    said = "; ".join(f"{host}:{port}: {str(error) or type(error).__name__}" for (host, port), error in failed.items())
    return ConnectionError(f"no node of the Cluster tells which of them has the log ({said})")
