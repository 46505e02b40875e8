"""What tags cost in Redis: no key of their own, nothing once entries are over, and nothing more to invalidate."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import redis

from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.entry import Entry
from aggregator.model.keys import make_key
from aggregator.model.position import ORIGIN
from aggregator.tiers.redis import RedisTier
from cache_policies.policy import Lifetime, Timing
from tests.scale import scale
from tests.servers import valkey

TAGS, LIFETIME = 10, float(scale(5, 60))
SLOWER_THAN = 10_000  # µs
OURS = ("cmdstat_info", "cmdstat_config|resetstat")


@pytest.fixture
def server() -> Iterator["redis.Redis"]:
    """An empty server, whose client looks behind the tier's back."""
    with valkey("--slowlog-log-slower-than", str(SLOWER_THAN), "--hz", "100") as url:
        yield redis.Redis.from_url(url)


def store(server: "redis.Redis", count: int, tags: int, kept_for: float, shared: str = "all") -> None:
    """Keep so many entries; each has a tag that they share and so many of its own."""
    url = f"unix://{server.connection_pool.connection_kwargs['path']}"

    async def main() -> None:
        tier = RedisTier.connect(url, budget=60.0)
        for start in range(0, count, 500):
            await asyncio.gather(*(kept(tier, number) for number in range(start, min(count, start + 500))))
        await tier.close()

    async def kept(tier: RedisTier, number: int) -> None:
        key = make_key("test", "fragment", "user", b"%d" % number)
        named = tuple(f"tag:{number:09}:{tag}" for tag in range(tags))
        entry = Entry(key.identity, b"1", (shared, *named), Timing(0.0, Lifetime(kept_for)), ORIGIN)
        assert await tier.store(key, entry)

    asyncio.run(main())


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r23_tags_take_little_and_leave_nothing(server: "redis.Redis") -> None:
    """Ten tags of its own for each entry: at most 120 bytes a tag in Redis, and once lifetimes are over at most one key
    of a hundred is still there."""
    took = []
    for tags in (0, TAGS):
        store(server, 1, tags, 600.0)
        took.append(server.memory_usage(*server.keys()))
        server.flushall()
    bytes_a_tag = (took[1] - took[0]) / TAGS
    store(server, scale(2_000, 100_000), TAGS, LIFETIME)
    peak = server.dbsize()
    deadline = time.monotonic() + 2 * LIFETIME
    while server.dbsize() > peak / 100:
        assert time.monotonic() < deadline, f"{server.dbsize()} of {peak} keys are still there"
        time.sleep(0.1)
    print(f"{bytes_a_tag:.0f} bytes a tag of {len('tag:000000000:0')}; of {peak} keys {server.dbsize()} at rest")
    assert bytes_a_tag <= 120


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r26_a_tag_on_very_many_entries_is_invalidated_like_any_other(server: "redis.Redis") -> None:
    """With the same calls, however many entries have it, and none of these calls takes 10 ms."""
    url = f"unix://{server.connection_pool.connection_kwargs['path']}"
    store(server, scale(5_000, 300_000), 0, 600.0, shared="wide")

    def calls(tag: str) -> dict[str, int]:
        server.config_resetstat()

        async def main() -> None:
            log = RedisLog(url, "test")
            await log.append([tag])
            await log.close()

        asyncio.run(main())
        stats = server.info("commandstats")
        return {name: one["calls"] for name, one in stats.items() if name not in OURS}

    calls("on nothing")
    server.slowlog_reset()
    began = time.perf_counter()
    assert calls("on nothing") == calls("wide")
    print(f"{(time.perf_counter() - began) / 2 * 1_000:.1f} ms")
    assert server.slowlog_get() == []
