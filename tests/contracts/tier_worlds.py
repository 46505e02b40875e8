"""The implementations of L2 that the contract suite runs against, each with what a test needs beside the contract."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import fakeredis
import redis

from aggregator.model.entry import Entry
from aggregator.model.keys import Key, make_key
from aggregator.model.position import Position, position_of
from aggregator.servers.url import RedisUrl
from aggregator.tiers.guarded import Guarded
from aggregator.tiers.local import LocalTier
from aggregator.tiers.opened import opened
from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.redis import RedisTier
from aggregator.tiers.tier import Lease, SharedTier
from cache_policies.policy import Lifetime, Timing
from loaders.loader import Failed, Reason
from tests.links import FakeRedisLink
from tests.servers import valkey

Steps = Callable[[SharedTier], Awaitable[None]]
# Far above what an answer takes, so that a slow moment of the machine fails no test of something else.
PATIENCE = 10.0


KEY = make_key("test", "fragment", "user", b"user|42")
OTHER = make_key("test", "fragment", "user", b"user|43")
FAILURE = Failed(Reason.STATUS, "the MBU answered 500", 1.5)


def at(ms: int) -> Position:
    """The position `ms` of one epoch."""
    return position_of(1, ms, 0)


def entry(position: Position, key: Key = KEY, payload: bytes = b"1", kept_for: float = 60.0) -> Entry:
    """An entry of `key`."""
    return Entry(key.identity, payload, ("t",), Timing(1_000.0, Lifetime(kept_for), 0.1), position)


async def claimed(tier: SharedTier, position: Position, overtook: Position | None = None) -> Lease:
    """The lease of KEY, which must be free."""
    lease = (await tier.claim(KEY, position, overtook)).lease
    assert lease is not None
    return lease


class World(Protocol):
    """One L2, empty at first."""

    def open(self, lease_term: float, failure_term: float) -> SharedTier:
        """A tier on it."""

    def cut(self) -> None:
        """End it: from now on nobody answers."""

    async def pause(self) -> None:
        """Let some milliseconds pass."""

    def plant(self, name: str, blob: bytes) -> None:
        """Put bytes under a name, behind the tier's back."""

    def plant_other_type(self, name: str) -> None:
        """Put what is no string under a name, if there is such a thing here."""

    def ttls(self) -> dict[str, float]:
        """Seconds that each name is kept for; infinite where it has no limit."""


def play(world: World, steps: Steps, lease_term: float = PATIENCE, failure_term: float = 1.0) -> None:
    """Run the steps of a test on a tier of this world."""

    async def main() -> None:
        tier = world.open(lease_term, failure_term)
        try:
            await steps(tier)
        finally:
            await tier.close()

    asyncio.run(main())


async def until(world: World, condition: Callable[[], Awaitable[Any]]) -> None:
    """Wait for a condition that time brings about; AssertionError if it does not."""
    for _ in range(2_000):
        if await condition():
            return
        await world.pause()
    raise AssertionError("what was waited for did not come about")


class LocalWorld:
    """LocalTier, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def open(self, lease_term: float, failure_term: float) -> SharedTier:
        self.local = LocalTier(lambda: self.now, lease_term, failure_term)
        return self.local

    def cut(self) -> None:
        self.local.down = True

    async def pause(self) -> None:
        self.now += 0.005

    def plant(self, name: str, blob: bytes) -> None:
        self.local.blobs.set(name, blob, PATIENCE)

    def plant_other_type(self, name: str) -> None:
        self.plant(name, b"no other types here")

    def ttls(self) -> dict[str, float]:
        kept = {**self.local.blobs._kept, **self.local._marks._kept}
        return {name: until - self.now for name, (_, until) in kept.items() if until > self.now}


class GuardedWorld(LocalWorld):
    """The same behind a breaker."""

    def open(self, lease_term: float, failure_term: float) -> SharedTier:
        return Guarded(super().open(lease_term, failure_term), lambda: self.now)


class RedisWorld:
    """RedisTier on what speaks the protocol; `client` looks behind its back."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client

    async def pause(self) -> None:
        await asyncio.sleep(0.005)

    def plant(self, name: str, blob: bytes) -> None:
        self.client.set(name, blob, px=10_000)

    def plant_other_type(self, name: str) -> None:
        self.client.rpush(name, "x")

    def ttls(self) -> dict[str, float]:
        terms = {name.decode(): self.client.pttl(name) for name in self.client.scan_iter()}
        # -1: without a limit; -2: gone since it was listed.
        return {name: float("inf") if ms == -1 else ms / 1000 for name, ms in terms.items() if ms != -2}


class FakeRedisWorld(RedisWorld):
    """fakeredis, in this process."""

    def __init__(self) -> None:
        self.server = fakeredis.FakeServer()
        super().__init__(fakeredis.FakeRedis(server=self.server))

    def open(self, lease_term: float, failure_term: float) -> SharedTier:
        link = FakeRedisLink(fakeredis.FakeAsyncRedis(server=self.server))
        return RedisTier(Pipeline(link, PATIENCE), lease_term, failure_term)

    def cut(self) -> None:
        self.server.connected = False


class ServerWorld(RedisWorld):
    """A real server."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(redis.Redis.from_url(url))

    def open(self, lease_term: float, failure_term: float) -> SharedTier:
        return RedisTier.connect(self.url, PATIENCE, lease_term, failure_term)

    def cut(self) -> None:
        raise NotImplementedError("the shared server goes on; see EndingServerWorld")


class ClusterWorld(ServerWorld):
    """A real Cluster, each node behind a breaker of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        RedisWorld.__init__(self, redis.RedisCluster.from_url(RedisUrl.of(url).plain))  # type: ignore[arg-type]

    def open(self, lease_term: float, failure_term: float) -> SharedTier:
        commands, guard = opened(self.url, PATIENCE)
        return guard(RedisTier(commands, lease_term, failure_term), time.monotonic, on_notice=lambda what, detail: None)


class EndingServerWorld(ServerWorld):
    """A real server of its own, so that it can be ended."""

    def __init__(self) -> None:
        self.running = valkey()
        super().__init__(self.running.__enter__())

    def cut(self) -> None:
        self.client.close()
        self.running.__exit__(None, None, None)
