"""Faults, each a coroutine that returns once its cause is over, and the seeded schedule that has them one by one."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable

import redis.asyncio

from tests.chaos.judge import Window
from tests.chaos.stage import MBUS, PROXIED, WORKERS, Stage
from tests.running import until

Fault = Callable[[Stage, random.Random], Awaitable[None]]
CALM = (1.5, 3.0)  # seconds between two
SHORT = (0.3, 3.0)


async def killed_and_empty(stage: Stage, draw: random.Random) -> None:
    """Redis ends, and comes back with nothing."""
    await asyncio.to_thread(stage.redis.kill)
    await asyncio.sleep(draw.uniform(*SHORT))
    await asyncio.to_thread(stage.redis.start)


async def stopped(stage: Stage, draw: random.Random) -> None:
    """Redis hangs."""
    stage.redis.freeze()
    await asyncio.sleep(draw.uniform(2, 6))
    stage.redis.thaw()


async def old_snapshot(stage: Stage, draw: random.Random) -> None:
    """Redis comes back as it was a moment before its end."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        await client.save()
        await asyncio.sleep(draw.uniform(0.5, 2))
        await asyncio.to_thread(stage.redis.kill)
        await asyncio.to_thread(stage.redis.start)


async def flushed(stage: Stage, draw: random.Random) -> None:
    """FLUSHALL."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        await client.flushall()


async def full(stage: Stage, draw: random.Random) -> None:
    """Redis has no memory left: nothing is taken, or what is used least is dropped."""
    async with redis.asyncio.from_url(stage.redis.url) as client:
        used = int((await client.info("memory"))["used_memory"])
        await client.config_set("maxmemory-policy", draw.choice(["noeviction", "volatile-lru", "allkeys-lru"]))
        await client.config_set("maxmemory", draw.choice([1_000_000, used + 100_000]))
        await asyncio.sleep(draw.uniform(*SHORT))
        await client.config_set("maxmemory", 0)
        await client.config_set("maxmemory-policy", "volatile-lru")


async def network(stage: Stage, draw: random.Random) -> None:
    """One service's connections to L2 or to the log, but not both, are refused, silent, half open or slow."""
    proxy = draw.choice(draw.choice(stage.proxies))
    ways: list[Callable[[], None]] = [
        proxy.refuse,
        proxy.drop,
        proxy.half_open,
        lambda: proxy.drop(requests=False),
        lambda: proxy.delay(draw.uniform(0.02, 0.2)),
    ]
    draw.choice(ways)()
    await asyncio.sleep(draw.uniform(*SHORT))
    proxy.heal()


async def worker_killed(stage: Stage, draw: random.Random) -> None:
    """kill -9; its parent starts another."""
    number = draw.randrange(PROXIED, WORKERS)
    service = stage.services[number]
    stage.down.add(number)
    [worker] = service.descendants()
    os.kill(worker, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: _respawned(stage, number, worker), "there is no new worker", 15.0)
    stage.down.discard(number)


def _respawned(stage: Stage, number: int, dead: int) -> bool:
    service = stage.services[number]
    family = service.descendants()
    return bool(family) and dead not in family and service.get("/readyz", admin=True).status == 200


async def worker_stopped(stage: Stage, draw: random.Random) -> None:
    """SIGSTOP, longer than its leases last, and SIGCONT."""
    number = draw.randrange(WORKERS)
    [worker] = stage.services[number].descendants()
    stage.down.add(number)
    os.kill(worker, signal.SIGSTOP)
    await asyncio.sleep(draw.uniform(0.4, 4))
    os.kill(worker, signal.SIGCONT)
    await asyncio.sleep(0.5)  # it answers what has waited
    stage.down.discard(number)


async def terminated(stage: Stage, draw: random.Random) -> None:
    """SIGTERM to a whole service under load, and a new one."""
    number = draw.randrange(PROXIED, WORKERS)
    stage.down.add(number)
    await asyncio.to_thread(stage.services[number].__exit__)
    stage.services[number] = await asyncio.to_thread(stage.service(number).__enter__)
    stage.down.discard(number)


async def mbus_ill(stage: Stage, draw: random.Random) -> None:
    """One MBU or all are slow, fail, hang, or cut their answers short."""
    names = draw.choice([MBUS, draw.sample(MBUS, 1)])
    word = draw.choice(["slow", "failing", "hanging", "truncating"])
    for name in names:
        await stage.mood(name, word)
    await asyncio.sleep(draw.uniform(1, 4))
    for name in names:
        await stage.mood(name, "well")


FAULTS: tuple[Fault, ...] = (
    killed_and_empty,
    stopped,
    old_snapshot,
    flushed,
    full,
    network,
    network,
    worker_killed,
    worker_stopped,
    terminated,
    mbus_ill,
)


# By which the test is named: every run has them, before any other.
ALWAYS: tuple[Fault, ...] = (worker_killed, stopped, network)


async def scheduled(stage: Stage, draw: random.Random, seconds: float) -> None:
    """ALWAYS in a random order, then all, again and again while there is time, with calm between them."""
    end = time.monotonic() + seconds
    for fault in draw.sample(ALWAYS, len(ALWAYS)):
        await had(stage, fault, draw)
    left: list[Fault] = []
    while time.monotonic() < end:
        left = left or draw.sample(FAULTS, len(FAULTS))
        await had(stage, left.pop(), draw)


async def had(stage: Stage, fault: Fault, draw: random.Random) -> None:
    """Have a fault after some calm, and note it."""
    await asyncio.sleep(draw.uniform(*CALM))
    begun = time.monotonic()
    print(f"  {fault.__name__}", end="", flush=True)
    await fault(stage, draw)
    stage.faults.append(Window(begun, time.monotonic(), fault.__name__))
    print(f" {time.monotonic() - begun:.1f} s", flush=True)
