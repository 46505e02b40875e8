"""L2 in a Redis-protocol server."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position, packed
from aggregator.model.turn import ANOTHER, Began, Pace
from aggregator.tiers.codec import STAMP_BYTES, decode, encode
from aggregator.tiers.marks import UNSHARED, failure_mark, failure_of, lease_mark, tokens
from aggregator.tiers.opened import opened
from aggregator.tiers.pipeline import Commands
from aggregator.tiers.scripts import CLAIM, DROP, RELEASE, RENEW, STORE, TURN
from aggregator.tiers.tier import FAILURE_TERM, Claim, Lease
from loaders.loader import Failed


class RedisTier:
    """A SharedTier. `lease_term` and `failure_term` in seconds."""

    def __init__(self, pipeline: Commands, lease_term: float = 0.3, failure_term: float = FAILURE_TERM) -> None:
        self._pipeline = pipeline
        self._lease_ms = _ms(lease_term)
        self._failure_ms = _ms(failure_term)
        self._tokens = tokens()

    @classmethod
    def connect(
        cls, url: str, budget: float = 0.05, lease_term: float = 0.3, failure_term: float = FAILURE_TERM
    ) -> "RedisTier":
        """A tier at a URL that `RedisUrl` reads; connects at the first use. ValueError for another one."""
        return cls(opened(url, budget)[0], lease_term, failure_term)

    def read(self, keys: Sequence[Key]) -> "asyncio.Future[list[Entry | None]]":
        """The entries of the keys, in their order."""
        if not keys:
            nothing: asyncio.Future[list[Entry | None]] = asyncio.get_running_loop().create_future()
            nothing.set_result([])
            return nothing
        return self._pipeline.get([key.name for key in keys], partial(self._opened, keys))

    def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> "asyncio.Future[Claim]":
        """Try to become the one who loads `key`."""
        lease = Lease(key, self._tokens(), position)
        overtook = b"" if known_tags_overtook is None else packed(known_tags_overtook)
        args = (lease_mark(lease), overtook, self._lease_ms, int(unless_held))
        return self._pipeline.run(CLAIM, _names(key), args, partial(self._claimed, lease))

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        """Extend a lease by its full term, if it is still mine."""
        return self._pipeline.run(RENEW, _names(lease.key), (lease_mark(lease), self._lease_ms), bool)

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """Keep the entry and give the lease back; False where refused, or nothing is to be kept."""
        mine = b"" if lease is None else lease_mark(lease)
        return self._pipeline.run_soon(STORE, _names(key), (encode(entry), _ms(entry.kept_for), mine), bool)

    def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> "asyncio.Future[None]":
        """Give the lease back without an entry; what others should know is left in its place."""
        told = failure_mark(failure) if failure else UNSHARED if unshared else b""
        return self._pipeline.run(RELEASE, _names(lease.key), (lease_mark(lease), told, self._failure_ms), _nothing)

    def take_turn(self, name: str, pace: Pace, began: Began | None = None) -> "asyncio.Future[float]":
        """Take the fleet's next turn of this name."""
        head, needs = (packed(began.head), packed(began.needs)) if began else (b"", b"")
        return self._pipeline.run(TURN, (name,), (_us(pace.interval), _us(pace.tolerance), head, needs), _wait)

    async def close(self) -> None:
        """Give back the connection."""
        await self._pipeline.close()

    def _opened(self, keys: Sequence[Key], blobs: Sequence[bytes | None]) -> list[Entry | None]:
        return [self._entry(key, blob) for key, blob in zip(keys, blobs, strict=True)]

    def _claimed(self, lease: Lease, reply: Any) -> Claim:
        won, mark, blob = reply
        entry = self._entry(lease.key, blob)
        return Claim(lease, entry) if won else Claim(None, entry, failure_of(mark), mark == UNSHARED)

    def _entry(self, key: Key, blob: bytes | None) -> Entry | None:
        """What is kept, if it is in order; else it is deleted, unless it was replaced meanwhile."""
        entry = None if blob is None else decode(key.identity, blob)
        if blob is not None and entry is None:
            self._pipeline.run_soon(DROP, (key.name,), (blob[:STAMP_BYTES],), bool).add_done_callback(_dropped)
        return entry


def _names(key: Key) -> tuple[str, str]:
    return key.name, key.lease


def _dropped(done: "asyncio.Future[bool]") -> None:
    """Where it was not, the next reader finds it again."""
    if not done.cancelled():
        done.exception()


def _nothing(reply: Any) -> None:
    """Whether the lease was still mine is of no use to anybody."""


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _wait(reply: int) -> float:
    return ANOTHER if reply < 0 else reply / 1_000_000
