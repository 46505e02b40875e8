"""An old answer in flight while its value is invalidated is in no answer begun 250 ms later."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest
import redis.asyncio

from tests.fleet import by_http, by_xadd
from tests.processes.conftest import Pair
from tests.race import Ring, Trial
from tests.raw_client import Client
from tests.scale import scale

AT_ONCE = 30


@pytest.mark.prove
def test_r01_no_answer_is_older_than_an_invalidation_acknowledged_before_it(pair: Pair) -> None:
    """Randomised trials over two processes: MBUs of random latency, the tag known beforehand or learned from the
    payload, published either way, at a random time of the flight; in half of them again during the reload."""
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    trials = [
        Trial(draw.choice(["known", "learned"]), f"r{number}", draw.choice([1, 2]), random.Random(draw.random()))
        for number in range(scale(60, 1_000))
    ]
    stale = asyncio.run(_play(pair, trials))
    raced = sum(any(trial.raced) for trial in trials)
    print(f"seed {seed}: {raced} of {len(trials)} trials raced, {len(stale)} stale")
    assert not stale, "\n".join([f"seed {seed}", *stale])
    assert raced > 0.5 * len(trials)


async def _play(pair: Pair, trials: list[Trial]) -> list[str]:
    first, second = pair.services
    turns = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        one, two, admin = [
            await stack.enter_async_context(Client(url)) for url in (first.url, second.url, first.admin_url)
        ]
        log = await stack.enter_async_context(redis.asyncio.from_url(first.redis_url))
        ring = Ring(pair.mbu, [one, two], [by_http(admin), by_xadd(log, first.namespace)])

        async def play(trial: Trial) -> list[str]:
            async with turns:
                return await trial.run(ring)

        return [words for found in await asyncio.gather(*map(play, trials)) for words in found]
