"""Faults, each a coroutine that returns once its cause is over: which workers it was about, all or some."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import redis.asyncio

from tests.chaos.mbu import MOODS
from tests.chaos.stage import CLOCKED, MBUS, PROXIED, WORKERS, Stage
from tests.running import until

Fault = Callable[[Stage, random.Random], Awaitable[Collection[int]]]
ALL = range(WORKERS)
SHORT = (0.3, 3.0)
LONG = (0.3, 6.0)  # a process that goes on to vouch for what it has is found out after 2.25 s
# ARGV[1]: seconds, about; no time passes within a script, so that it counts.
_BUSY = "for turn = 1, ARGV[1] * 7e7 do end"


async def killed_and_empty(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis ends, and comes back with nothing."""
    await asyncio.to_thread(stage.redis.kill)
    await asyncio.sleep(draw.uniform(*SHORT))
    await asyncio.to_thread(stage.redis.start)
    return ALL


async def stopped(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis hangs."""
    stage.redis.freeze()
    await asyncio.sleep(draw.uniform(2, 6))
    stage.redis.thaw()
    return ALL


async def old_snapshot(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis comes back as it was a moment before its end."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        await client.save()
        await asyncio.sleep(draw.uniform(0.5, 2))
        file = Path((await client.config_get("dir"))["dir"], "dump.rdb")
        await asyncio.to_thread(stage.redis.kill)
        await asyncio.to_thread(stage.redis.start)
        await asyncio.to_thread(file.unlink)  # which the next start would find, too
    return ALL


async def flushed(stage: Stage, draw: random.Random) -> Collection[int]:
    """FLUSHALL."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        await client.flushall()
    return ALL


async def full(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis has no memory left: nothing is taken, or what is used least is dropped."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        used = int((await client.info("memory"))["used_memory"])
        await client.config_set("maxmemory-policy", draw.choice(["noeviction", "volatile-lru", "allkeys-lru"]))
        await client.config_set("maxmemory", draw.choice([1_000_000, used + 100_000]))
        await asyncio.sleep(draw.uniform(*SHORT))
        await client.config_set("maxmemory", 0)
        await client.config_set("maxmemory-policy", "volatile-lru")
    return ALL


async def slow(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis gets a part of the time only."""
    for _ in range(draw.randrange(10, 40)):
        stage.redis.freeze()
        await asyncio.sleep(draw.uniform(0.01, 0.15))
        stage.redis.thaw()
        await asyncio.sleep(draw.uniform(0.001, 0.02))
    return ALL


async def busy(stage: Stage, draw: random.Random) -> Collection[int]:
    """Scripts of somebody's keep Redis busy, each for a while."""
    # On a machine that is busy itself a script takes longer than the five seconds that a client waits.
    async with redis.asyncio.from_url(stage.redis.url, socket_timeout=60) as client:
        for _ in range(draw.randrange(5, 15)):
            await client.eval(_BUSY, 0, draw.uniform(0.02, 0.4))
            await asyncio.sleep(draw.uniform(0.001, 0.1))
    return ALL


async def demoted(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis is the replica of a master that is away, and then a master again, with another history."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")
        await asyncio.sleep(draw.uniform(*SHORT))
        await client.execute_command("REPLICAOF", "NO", "ONE")
    return ALL


async def cut(stage: Stage, draw: random.Random) -> Collection[int]:
    """Redis's connections end one at a time, whatever they are for."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        others = [one["id"] for one in await client.client_list() if one["id"] != str(await client.client_id())]
        for id in draw.sample(others, len(others)):
            await client.client_kill_filter(_id=id)
            await asyncio.sleep(draw.uniform(0, 0.1))
    return ALL


async def network(stage: Stage, draw: random.Random) -> Collection[int]:
    """One service's connections to L2 or to the log, but not both, are refused, silent, half open or slow."""
    number = draw.randrange(PROXIED)
    proxy = draw.choice(stage.proxies[number])
    ways: list[Callable[[], None]] = [
        proxy.refuse,
        proxy.drop,
        proxy.half_open,
        lambda: proxy.drop(requests=False),
        lambda: proxy.delay(draw.uniform(0.02, 0.2)),
    ]
    draw.choice(ways)()
    await asyncio.sleep(draw.uniform(*LONG))
    proxy.heal()
    return [number]


async def worker_killed(stage: Stage, draw: random.Random) -> Collection[int]:
    """kill -9; its parent starts another."""
    number = draw.randrange(PROXIED, WORKERS)
    service = stage.services[number]
    stage.down.add(number)
    [worker] = service.descendants()
    os.kill(worker, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: _respawned(stage, number, worker), "there is no new worker", 15.0)
    stage.down.discard(number)
    return [number]


def _respawned(stage: Stage, number: int, dead: int) -> bool:
    """Is there another, which is ready itself? /readyz says so of the service, for good."""
    service = stage.services[number]
    family = service.descendants()
    new = bool(family) and dead not in family
    return new and b"aggregator_workers_ready 1.0" in service.get("/metrics", admin=True).body


async def worker_stopped(stage: Stage, draw: random.Random) -> Collection[int]:
    """SIGSTOP, longer than its leases last, and SIGCONT."""
    number = draw.randrange(WORKERS)
    [worker] = stage.services[number].descendants()
    stage.down.add(number)
    os.kill(worker, signal.SIGSTOP)
    await asyncio.sleep(draw.uniform(0.4, 4))
    os.kill(worker, signal.SIGCONT)
    await asyncio.sleep(0.5)  # it answers what has waited
    stage.down.discard(number)
    return [number]


async def terminated(stage: Stage, draw: random.Random) -> Collection[int]:
    """SIGTERM to a whole service under load, and a new one."""
    number = draw.randrange(PROXIED, WORKERS)
    stage.down.add(number)
    await asyncio.to_thread(stage.end, number)
    stage.services[number] = await asyncio.to_thread(stage.service(number).__enter__)
    stage.down.discard(number)
    return [number]


async def clock_stepped(stage: Stage, draw: random.Random) -> Collection[int]:
    """The clock of one service goes a day forward, or back, and later right again."""
    for words in (draw.choice(["+1d", "-1d"]), "+0"):
        stage.clock.write_text(words)
        await asyncio.sleep(draw.uniform(1.5, 4))  # it is looked at once a second
    return [CLOCKED]


async def mbus_ill(stage: Stage, draw: random.Random) -> Collection[int]:
    """One MBU or all are slow, fail, hang, cut their answers short, or lie."""
    names = draw.choice([MBUS, draw.sample(MBUS, 1)])
    word = draw.choice(MOODS)
    for name in names:
        await stage.mood(name, word)
    await asyncio.sleep(draw.uniform(1, 4))
    for name in names:
        await stage.mood(name, "well")
    return ALL
