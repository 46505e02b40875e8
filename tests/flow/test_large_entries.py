"""What is too large for L2 is not stored, and nobody waits for it; what it is made of is shared all the same."""

import asyncio

import pytest

from aggregator.model.screen import Slot
from tests.virtual_time import run
from tests.world import Process, World, fragment, screen

PARTS = tuple(f"part{number}" for number in range(10))
LARGE_VIEW = screen(*(Slot(name, fragment(name), required=True) for name in PARTS))
LARGE_PART = screen(Slot("big", fragment("big"), required=True), Slot("small", fragment("small"), required=True))
UNHELD = {"max_l2_entry": "1KiB", "l1_bytes": "1KiB"}


def too_large(process: Process) -> float:
    """The counter."""
    return {name: value for name, _, value in process.service.snapshot()["counters"]}["l2_too_large"]


def test_r32_a_view_too_large_for_l2_is_composed_of_what_l2_keeps() -> None:
    """By every reader anew where L1 has no room for it either, and no MBU is asked again."""

    async def story() -> None:
        async with World(LARGE_VIEW, processes=2, **UNHELD) as world:
            for name in PARTS:
                world.put(name, "x" * 200)
            assert [(await world.processes[turn % 2].get()).tier for turn in range(6)] == ["mbu"] + ["l2"] * 5
            await asyncio.sleep(0.01)
            assert world.calls() == len(PARTS)
            assert [too_large(process) for process in world.processes] == [3, 3]
            assert sum(":fragment:" in name for name in world.tier.blobs) == len(PARTS)
            assert not any(":view:" in name for name in world.tier.blobs)

    run(story())


def test_r32_a_view_too_large_for_l2_is_held_by_l1() -> None:
    """Where that has room."""

    async def story() -> None:
        async with World(LARGE_VIEW, max_l2_entry="1KiB") as world:
            for name in PARTS:
                world.put(name, "x" * 200)
            [process] = world.processes
            assert [(await process.get()).tier for _ in range(2)] == ["mbu", "l1"]

    run(story())


@pytest.mark.parametrize("together", [True, False])
def test_r32_readers_of_what_is_too_large_for_l2_do_not_queue(together: bool) -> None:
    """Two hundred over four processes wait for two loads at most, as for what nobody may keep; what is small is loaded
    once for all."""

    async def story() -> None:
        async with World(LARGE_PART, processes=4, **UNHELD) as world:
            world.put("big", "x" * 2_000)
            world.put("small", 1)
            world.shops["big"].latency = 0.2

            async def visit(number: int) -> float:
                await asyncio.sleep(0.0 if together else number / 1_000)
                began = world.time()
                assert (await world.processes[number % 4].get()).state == "fresh"
                return world.time() - began

            assert max(await asyncio.gather(*map(visit, range(200)))) < 2 * 0.2 + 0.05
            assert sum(world.shops["big"].calls.values()) <= (4 if together else 8)
            assert sum(world.shops["small"].calls.values()) == 1

    run(story())


def test_r32_what_is_small_again_is_stored_again() -> None:
    """Also while it is told that what was loaded last is of use to nobody else."""

    async def story() -> None:
        async with World(LARGE_PART, processes=2, **UNHELD) as world:
            one, other = world.processes
            world.put("big", "x" * 2_000)
            world.put("small", 1)
            await one.get()
            await asyncio.sleep(0.01)
            world.put("big", 2)
            assert await one.data() == {"big": 2, "small": 1}
            await asyncio.sleep(0.01)
            assert (await other.get()).tier == "l2"

    run(story())
