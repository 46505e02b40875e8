"""Sentinels know which server is the master of a service; where they differ, the newest configuration counts."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as BlockingRetry

from aggregator.servers.url import Address, place

_AGAIN_AFTER = 1.0
# What listens there need not be a sentinel, and may answer anything.
_NO_ANSWER = (RedisError, OSError, LookupError, TypeError, ValueError)


class Sentinels:
    """A `Finder` that is content with what more than half of the sentinels say, or with what one says in time.

    urls: their plain URLs. within: seconds for asking all of them. On an event loop they are asked at once; else one
    after another, and each of a sentinel's replies may take its share of the time.
    """

    def __init__(self, urls: Sequence[str], service: str, within: float) -> None:
        self._urls = urls
        self._service = service
        self._within = within
        self.last: Address | None = None
        self._asked = float("-inf")
        self._epoch = -1  # of the newest configuration that was believed

    @property
    def due(self) -> bool:
        """Once a second. 1 an operator asks for a fail-over. 2 the sentinels name another master. 3 the old one is told
        some ten seconds later, and takes invalidations until then that nobody will ever read."""
        return time.monotonic() >= self._asked + _AGAIN_AFTER

    async def find(self) -> Address:
        """As in `Finder`."""
        answers = self._begin()
        asked = [asyncio.create_task(self._ask(url, answers)) for url in self._urls]
        try:
            for answer in asyncio.as_completed(asked):
                await answer
                if answers.suffice:
                    break
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return self._believe(answers)

    def _begin(self) -> "_Answers":
        self._asked = time.monotonic()  # before anybody answers, so that one of all who find it due asks
        return _Answers(self._service, len(self._urls), self._epoch)

    def _believe(self, answers: "_Answers") -> Address:
        self._epoch, self.last = answers.newest()
        return self.last

    async def _ask(self, url: str, answers: "_Answers") -> None:
        try:
            async with (
                asyncio.timeout(self._within),
                Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(self._within)) as sentinel,
            ):
                state: Any = await sentinel.sentinel_master(self._service)
                answers.add(state, await sentinel.sentinel_get_master_addr_by_name(self._service))
        except _NO_ANSWER as error:
            answers.refuse(url, error)

    def find_blocking(self) -> Address:
        """As in `Finder`."""
        answers = self._begin()
        for url in self._urls:
            if not answers.suffice:
                self._ask_blocking(url, answers)
        return self._believe(answers)

    def _ask_blocking(self, url: str, answers: "_Answers") -> None:
        options = _options(self._within / len(self._urls))
        try:
            with redis.Redis.from_url(url, retry=BlockingRetry(NoBackoff(), 0), **options) as sentinel:
                state: Any = sentinel.sentinel_master(self._service)
                answers.add(state, sentinel.sentinel_get_master_addr_by_name(self._service))
        except _NO_ANSWER as error:
            answers.refuse(url, error)


class _Answers:
    """What the sentinels said so far. One that was cut off tells what was: what is older than the epoch that is known
    counts only if more than half say so, as they do once they have been set up anew."""

    def __init__(self, service: str, asked: int, known: int) -> None:
        self._service = service
        self._asked = asked
        self._known = known
        self._why: list[str] = []
        self._told: list[tuple[int, Address]] = []

    @property
    def suffice(self) -> bool:
        return self._most and self._news

    @property
    def _most(self) -> bool:
        return len(self._told) > self._asked // 2

    @property
    def _news(self) -> bool:
        return max(self._told)[0] >= self._known

    def add(self, state: Any, address: Any) -> None:
        """The state was asked for before the address: the one with a new epoch and the old address would be believed
        over all others."""
        self._told.append((int(state["config-epoch"]), tuple(address)))

    def refuse(self, url: str, error: Exception) -> None:
        self._why.append(f"{place(url)}: {str(error) or type(error).__name__}")

    def newest(self) -> tuple[int, Address]:
        """Epoch and address. ConnectionError where nothing is to be believed."""
        if self._told and (self._most or self._news):
            return max(self._told)
        old = [f"{host}:{port} was it in epoch {epoch}, {self._known} is known" for epoch, (host, port) in self._told]
        raise ConnectionError(f'no sentinel tells the master of "{self._service}" ({"; ".join([*self._why, *old])})')


def _options(timeout: float) -> dict[str, Any]:
    return {
        "protocol": 2,
        "driver_info": None,  # as for the log: what it sends takes a right of its own
        "decode_responses": True,
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
    }
