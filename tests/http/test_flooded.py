"""A flood of URLs that nobody asks for again: readers find what they read, and Redis keeps its bound."""

import asyncio
import random
from collections.abc import Iterator
from itertools import chain

import pytest
import redis

from tests.raw_client import Client
from tests.running import Mbu, Running
from tests.scale import scale
from tests.servers import valkey

TEXT = """
version = 1
[defaults]
fresh_for = "1h"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/{id}"
[screens.page]
path = "/pages/{id}"
slots = { part = "part" }
"""
# Bytes: of a payload, and what Redis may take, which the flood is to exceed.
BODY, ROOM = 4_096, 8 << 20
HOT = [f"hot-{number}" for number in range(100)]


@pytest.fixture(scope="module")
def cramped() -> Iterator[str]:
    """A Redis server that is full before the flood ends."""
    with valkey("--maxmemory", str(ROOM), "--maxmemory-policy", "volatile-lru") as url:
        yield url


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_s18_a_flood_of_urls_neither_fills_redis_nor_takes_what_is_read(mbu: Mbu, cramped: str) -> None:
    """No answer but 200, 95 of 100 reads of the hot set are hits in L1, and all in Redis but the log has an end."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    strangers = [f"{draw.getrandbits(64):x}" for _ in range(scale(3_000, 30_000))]
    for id in HOT + strangers:
        mbu.put(f"/{id}", "x" * BODY)
    with Running(TEXT.replace("$MBU", mbu.url), cramped, flags=["--l1-bytes", "2MiB"]) as running:
        hits = asyncio.run(_flooded(running.url, strangers, draw))
        assert sum(hits) / len(hits) >= 0.95
        with redis.Redis.from_url(cramped) as client:
            kept = client.info()
            lasting = {name for name in client.scan_iter(count=1_000) if client.pttl(name) == -1}
        assert kept["evicted_keys"] > 0
        assert kept["used_memory"] <= ROOM * 1.1  # what is on its way to clients is not bounded by it
        assert all(b"invalidations" in name for name in lasting), lasting


async def _flooded(url: str, strangers: list[str], draw: random.Random) -> list[bool]:
    """Was each read of the hot set beside the flood a hit in L1?"""
    async with Client(url) as client:

        async def ask(id: str) -> bool:
            got = await client.ask(f"/pages/{id}")
            assert got.status == 200, got
            return "L1" in got.headers["cache-status"]

        async def flood(mine: list[str]) -> list[bool]:
            read = []
            for id in mine:
                await ask(id)
                read.append(await ask(draw.choice(HOT)))
            return read

        for _ in range(3):
            await asyncio.gather(*map(ask, HOT))
        return list(chain(*await asyncio.gather(*(flood(strangers[at::16]) for at in range(16)))))
