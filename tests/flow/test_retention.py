"""What lives longer than the log is kept does not sink under the floor."""

import asyncio

import pytest

from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from tests.virtual_time import run
from tests.world import World, fragment, screen

HOME = screen(Slot("user", fragment("user", lifetime=Lifetime(36_000.0))))


@pytest.mark.parametrize("read_again", [True, False])
def test_what_is_read_is_written_back_as_of_now(read_again: bool) -> None:
    """An entry read after half the retention is still proved current for a process that starts when the log has been
    trimmed past its load; one that nobody read is loaded again, since nothing is known of it."""

    async def story() -> None:
        async with World(HOME, processes=2, log_retention="10m", idle_after="1m") as world:
            world.put("user", 1)
            first, second = world.processes
            await first.get()
            await asyncio.sleep(400.0)
            await world.invalidate("something-else")
            if read_again:
                assert (await second.get()).tier == "l2"
            for _ in range(2):
                await asyncio.sleep(400.0)
                await world.invalidate("something-else")
            await asyncio.sleep(100.0)
            newcomer = await world.start()
            assert (await newcomer.get()).tier == ("l2" if read_again else "mbu")

    run(story())


def test_what_is_found_by_claiming_is_written_back_too() -> None:
    """Another screen's view is not there: its fragment is claimed unread, and found."""

    async def story() -> None:
        card = screen(*HOME.slots, name="card")
        async with World(HOME, card, processes=2, log_retention="10m") as world:
            world.put("user", 1)
            first, second = world.processes
            await first.get()
            await asyncio.sleep(400.0)
            await world.invalidate("something-else")
            assert (await second.get(name="card")).tier == "l2"
            for _ in range(2):
                await asyncio.sleep(400.0)
                await world.invalidate("something-else")
            await asyncio.sleep(100.0)
            newcomer = await world.start()
            assert (await newcomer.get()).tier == "l2"

    run(story())


def test_a_hot_view_that_lives_ten_times_the_retention_is_a_hit_for_who_starts_then() -> None:
    """Though it was never read in L2 meanwhile: L1 answered. What nobody read sank."""

    async def story() -> None:
        async with World(HOME, log_retention="10m") as world:
            world.put("user", 1)
            world.put("user", 2, "43")
            [first] = world.processes
            await first.get("43")
            await first.get()
            for _ in range(200):
                await asyncio.sleep(30.0)
                await world.invalidate("something-else")
                assert (await first.get()).tier == "l1"
            newcomer = await world.start()
            await asyncio.sleep(5)
            assert [(await newcomer.get(id)).tier for id in ("42", "43")] == ["l1", "mbu"]

    run(story())
