"""The hot list is what the fleet's readers read most, kept beside L2, so that who starts later need not find out."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from math import inf
from typing import Any, Protocol

from aggregator.tiers.pipeline import Commands
from aggregator.tiers.scripts import Script
from aggregator.tiers.tier import TierUnavailable

CAPACITY = 10_000
KEPT_FOR = 86_400.0  # seconds after the last note

Scored = Sequence[tuple[bytes, float]]


class HotList(Protocol):
    """Addresses by scores, the highest `CAPACITY` of them. Futures, which raise TierUnavailable and nothing else."""

    def note(self, scored: Scored) -> "asyncio.Future[float]":
        """Raise the scores of these to those given, where they are higher. Gives what a score has to exceed to count:
        -inf while there is room. At most some hundred at a time."""

    def hottest(self, rank: int, count: int) -> "asyncio.Future[list[bytes]]":
        """So many addresses, from the one at `rank` on; 0 is the hottest."""


def hot_key(namespace: str) -> str:
    """Where the list is."""
    return f"{namespace}:hot"


# KEYS: the list. ARGV: how many it holds, ms to keep it, then score and address in turn. Gives: the lowest score, or ''
# while there is room.
_NOTE = Script(
    """
if #ARGV > 2 then redis.call('ZADD', KEYS[1], 'GT', unpack(ARGV, 3)) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[1]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then return '' end
return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
"""
)
# KEYS: the list. ARGV: the first rank, the last one. Gives: the addresses.
_HOTTEST = Script("return redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'REV')")


class RedisHotList:
    """A HotList in a sorted set."""

    def __init__(self, pipeline: Commands, namespace: str, capacity: int = CAPACITY) -> None:
        self._pipeline = pipeline
        self._keys = (hot_key(namespace),)
        self._capacity = capacity

    def note(self, scored: Scored) -> "asyncio.Future[float]":
        """Raise scores."""
        args: list[bytes | int] = [self._capacity, int(KEPT_FOR * 1000)]
        args += chain.from_iterable((b"%r" % score, address) for address, score in scored)
        return self._pipeline.run_soon(_NOTE, self._keys, args, _floor)

    def hottest(self, rank: int, count: int) -> "asyncio.Future[list[bytes]]":
        """Addresses from a rank on."""
        return self._pipeline.run(_HOTTEST, self._keys, (rank, rank + count - 1), _addresses)


class LocalHotList:
    """A HotList in this process's memory. capacity: 0 keeps nothing. down: play an outage."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.down = False
        self.scores: dict[bytes, float] = {}
        self._capacity = capacity

    def note(self, scored: Scored) -> "asyncio.Future[float]":
        """Raise scores."""
        higher = {address: max(score, self.scores.get(address, -inf)) for address, score in scored}
        hottest = sorted({**self.scores, **higher}.items(), key=lambda one: (one[1], one[0]), reverse=True)
        if not self.down:
            self.scores = dict(hottest[: self._capacity])
        is_full = len(self.scores) >= self._capacity
        return self._told(min(self.scores.values(), default=inf) if is_full else -inf)

    def hottest(self, rank: int, count: int) -> "asyncio.Future[list[bytes]]":
        """Addresses from a rank on."""
        return self._told([*self.scores][rank : rank + count])

    def _told(self, reply: Any) -> "asyncio.Future[Any]":
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.down:
            told.set_exception(TierUnavailable("the local list plays an outage"))
        else:
            told.set_result(reply)
        return told


def _floor(reply: bytes) -> float:
    return float(reply) if reply else -inf


def _addresses(reply: list[bytes]) -> list[bytes]:
    return reply
