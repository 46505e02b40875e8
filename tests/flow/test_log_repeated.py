"""Invalidations that come several times, late, or in any order."""

import asyncio
from random import Random

from aggregator.invalidation.local import LocalLog
from aggregator.model.screen import Slot
from tests.following import following, until
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen


def test_r29_a_shuffled_log_in_triplicate_ends_in_the_same_state() -> None:
    """What was kept before it is overtaken exactly as by the log in order, and nothing that was loaded after it is."""
    seed = Random().getrandbits(32)
    print("seed", seed)
    draw = Random(seed)
    events = [draw.sample(range(3_000), draw.randint(1, 3)) for _ in range(scale(1_000, 10_000))]
    shuffled = draw.sample(events * 3, len(events) * 3)

    async def state(order: list[list[int]]) -> tuple[set[int], set[int]]:
        log = LocalLog(asyncio.get_running_loop().time)
        async with following(log) as process:
            kept = process.ledger.head
            for numbers in order:
                last = await log.append([f"user:{number}" for number in numbers])
            await until(lambda: process.ledger.head == last)
            overtaken = [
                {number for number in range(3_000) if not process.ledger.current([f"user:{number}"], position)}
                for position in (kept, last)
            ]
            return overtaken[0], overtaken[1]

    async def story() -> None:
        named = {number for numbers in events for number in numbers}
        assert await state(events) == await state(shuffled) == (named, set())

    run(story())


def test_r29_an_invalidation_that_comes_three_times_at_once_costs_one_load() -> None:
    """To whoever reads after the last of them; who reads between two of them may load once more."""
    home = screen(Slot("user", fragment("user"), required=True))

    async def story() -> None:
        async with World(home) as world:
            [process] = world.processes
            for number in range(1, 6):
                world.put("user", number)
                for _ in range(3):
                    await world.log.append(["user:42"])
                await asyncio.sleep(0.5)
                assert await process.data() == {"user": number}
                assert world.calls() == number

    run(story())
