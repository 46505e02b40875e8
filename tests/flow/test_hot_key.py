"""A view that everybody reads is answered out of L1; L2 is asked for it by those alone who come while it is loaded."""

import asyncio
import random
from typing import Any

import pytest

from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

LIFETIME, PROCESSES, RATE = 3.0, 4, 3_000
LIFETIMES = scale(2, 30)
WHILE_IT_IS_LOADED = 0.025  # seconds: the MBU's 20 ms, and L2's calls
# As where nothing is declared: what is read so much is loaded again before it expires.
DEFAULTS: dict[str, Any] = {"lifetime": Lifetime(LIFETIME), "jitter": 0.1, "early_refresh": 1.0}
HOME = screen(Slot("user", fragment("user", **DEFAULTS), required=True))
KEY = HOME.key("aggregator", HOME.identity(Inputs({"id": "0"})))


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_r31_a_hot_key_is_asked_for_in_l2_while_it_is_loaded_and_no_more() -> None:
    """95 of 100 of 3,000 requests a second are of one key, over four processes. At worst all who read it while it is
    loaded once a lifetime; mostly fewer, as one of the processes loads it before it expires."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, looked = random.Random(seed), 0

    async def story() -> None:
        nonlocal looked
        async with World(HOME, processes=PROCESSES, draw=lambda: 1.0 - chance.random(), refresh_budget=200.0) as world:
            read = world.tier.read

            def reading(keys: list[Key]) -> Any:
                nonlocal looked
                looked += KEY in keys
                return read(keys)

            world.tier.read = reading  # type: ignore[method-assign,assignment]
            for id in map(str, range(1_000)):
                world.put("user", id, id)
            for process in world.processes:
                await process.get("0")
            looked, asked = 0, set[asyncio.Task[Any]]()
            for _ in range(round(LIFETIMES * LIFETIME * RATE)):
                id = "0" if chance.random() < 0.95 else str(chance.randrange(1, 1_000))
                asked.add(task := asyncio.create_task(chance.choice(world.processes).get(id)))
                task.add_done_callback(asked.discard)
                await asyncio.sleep(1 / RATE)
            await asyncio.gather(*asked)

    run(story())
    print(f"{looked} looks into L2 for the hot key, {looked / PROCESSES / LIFETIMES:.1f} a lifetime and process")
    assert looked <= PROCESSES * LIFETIMES * (2 + RATE / PROCESSES * WHILE_IT_IS_LOADED)
