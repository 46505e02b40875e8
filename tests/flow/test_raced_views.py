"""Views raced by invalidations: read in L2, composed, or made of older parts, none is held or served as current after.

Trials on ids of their own, at random times, in virtual time.
"""

import asyncio
import random
from typing import Any

import pytest

from aggregator.model.screen import Slot
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

PAIR = screen(Slot("quick", fragment("quick")), Slot("slow", fragment("slow")))
NAMES = tuple("abcd")
HOME = screen(*(Slot(name, fragment(name)) for name in NAMES))
CARDS = tuple(screen(Slot(name, fragment(name)), name=f"card-{name}") for name in NAMES)
TRIALS = scale(300, 10_000)


@pytest.fixture
def chance() -> random.Random:
    """Its seed is printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_r03_what_was_read_in_l2_before_an_invalidation_is_not_held_after_it(chance: random.Random) -> None:
    """1. A process reads a view in L2. 2. It is invalidated, and that is applied. 3. What was read arrives."""
    raced = 0

    async def story() -> None:
        nonlocal raced
        async with World(PAIR, processes=2) as world:
            read = world.tier.read

            async def arriving(keys: Any) -> Any:
                found = await read(keys)
                await asyncio.sleep(chance.uniform(0.0, 0.01))
                return found

            world.tier.read = lambda keys: asyncio.ensure_future(arriving(keys))  # type: ignore[method-assign]
            maker, reader = world.processes
            for trial in map(str, range(TRIALS)):
                for name in ("quick", "slow"):
                    world.put(name, 1, trial)
                await maker.get(trial)
                await asyncio.sleep(0.01)
                reading = asyncio.create_task(reader.get(trial))
                await asyncio.sleep(chance.uniform(0.0, 0.008))
                world.put("quick", 2, trial)
                await world.log.append([f"quick:{trial}"])
                await asyncio.sleep(0.0001)
                raced += not reading.done()
                assert (await reader.data(trial))["quick"] == 2
                await reading
                assert (await reader.data(trial))["quick"] == 2

    run(story())
    print(f"{raced} of {TRIALS} raced")
    assert raced > TRIALS / 10


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_r21_what_is_invalidated_while_it_is_composed_is_kept_by_nobody(chance: random.Random) -> None:
    """One part is there and is overtaken while another one is loaded still: neither tier keeps what is answered."""

    async def story() -> None:
        async with World(PAIR, processes=2) as world:
            world.shops["slow"].latency = 0.1
            for trial in map(str, range(TRIALS)):
                for name in ("quick", "slow"):
                    world.put(name, 1, trial)
                composing = asyncio.create_task(world.processes[0].get(trial))
                await asyncio.sleep(chance.uniform(0.022, 0.1))
                world.put("quick", 2, trial)
                await world.invalidate(f"quick:{trial}")
                await composing
                await asyncio.sleep(0.01)
                for process in world.processes:
                    assert (await process.data(trial))["quick"] == 2

    run(story())


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_r22_a_view_of_parts_kept_at_different_times_is_as_current_as_each(chance: random.Random) -> None:
    """What was invalidated before it is composed is loaded, and nothing else; what is invalidated then overtakes it,
    however old the part and however new the view."""

    async def story() -> None:
        async with World(HOME, *CARDS, processes=2) as world:
            for trial in map(str, range(TRIALS // 4)):
                values = dict.fromkeys(NAMES, 0)

                async def change(name: str, trial: str = trial, values: dict[str, int] = values) -> None:
                    values[name] += 1
                    world.put(name, values[name], trial)
                    await world.invalidate(f"{name}:{trial}")

                for name in chance.sample(NAMES, len(NAMES)):
                    world.put(name, 0, trial)
                    await chance.choice(world.processes).get(trial, f"card-{name}")
                    await asyncio.sleep(chance.uniform(0.01, 1.0))
                before = chance.sample(NAMES, chance.randint(0, 3))
                for name in before:
                    await change(name)
                calls = world.calls()
                assert await world.processes[0].data(trial) == values
                assert world.calls() == calls + len(before)
                await asyncio.sleep(0.01)
                await change(chance.choice(NAMES))
                for process in world.processes:
                    assert await process.data(trial) == values
                assert world.calls() == calls + len(before) + 1

    run(story())
