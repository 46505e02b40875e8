"""What was loaded together does not expire together: jitter, as it is where nothing else is declared."""

import asyncio
import random
from collections import Counter

import pytest

from aggregator.model.screen import Slot
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

KEYS, LIFETIME, JITTER = scale(1_000, 10_000), 60.0, 0.1
BINS = 60  # of the time in which they expire


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r18_what_was_loaded_within_a_second_is_loaded_again_over_many() -> None:
    """Each is asked for at the moment when it expires: at no time come three times as many loads as on average."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    home = screen(Slot("user", fragment("user", jitter=JITTER), required=True))

    async def story() -> list[float]:
        async with World(home, draw=lambda: 1.0 - chance.random()) as world:
            [process] = world.processes
            loaded_again = []

            async def one(id: str) -> None:
                world.put("user", id, id)
                await asyncio.sleep(chance.random())
                first = await process.get(id)
                await asyncio.sleep(first.view.until.fresh_until - process.clock.now() + 0.001)
                again = await process.get(id)
                assert again.tier == "mbu"
                loaded_again.append(world.time())

            await asyncio.gather(*(one(str(number)) for number in range(KEYS)))
            return loaded_again

    times = run(story())
    spread = LIFETIME * JITTER
    rates = Counter(int((time - min(times)) / (spread / BINS)) for time in times)
    print(f"{KEYS} keys: {max(rates.values()) / (KEYS / BINS):.2f} times the mean at most")
    assert max(rates.values()) <= 3 * KEYS / BINS
    assert max(times) - min(times) >= 0.9 * spread
