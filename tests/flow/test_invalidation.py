"""An invalidation beats every answer begun after it, at the cost of what it overtook and no more."""

import asyncio

import pytest

from aggregator.model.screen import Slot
from tests.virtual_time import run
from tests.world import World, fragment, learning, screen

HOME = screen(Slot("user", fragment("user"), required=True), Slot("posts", learning("posts")))


@pytest.mark.parametrize("tag", ["user:42", "fragment:user", "mbu:user"])
def test_only_what_was_overtaken_is_loaded(tag: str) -> None:
    """One load of one fragment for the fleet; then the view is an L1 hit again in every process."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            world.put("user", {"n": 1})
            for process in world.processes:
                await process.get()
            world.put("user", {"n": 2})
            await world.invalidate(tag)
            for process in world.processes:
                assert (await process.data())["user"] == {"n": 2}
                assert (await process.get()).tier == "l1"
            assert world.calls() == 3

    run(story())


@pytest.mark.parametrize("tag", ["screen:home", "*"])
def test_tags_of_everything_reach_the_view(tag: str) -> None:
    """`screen:<name>` and `*` overtake views like any other tag."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", {"n": 1})
            [process] = world.processes
            await process.get()
            await world.invalidate(tag)
            assert (await process.get()).tier != "l1"
            assert (await process.get()).tier == "l1"

    run(story())


def test_a_tag_learned_from_the_payload_overtakes() -> None:
    """The tags found at `tags_from` count from the first load on, and change with the payload."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            world.put("user", {})
            world.put("posts", [{"id": 7}])
            first, second = world.processes
            await first.get()
            await second.get()
            world.put("posts", [{"id": 8}])
            await world.invalidate("learned:7")
            assert (await second.data())["posts"] == [{"id": 8}]
            assert (await first.data())["posts"] == [{"id": 8}]
            assert world.calls() == 3
            await world.invalidate("learned:7")
            assert (await second.get()).tier == "l1"
            await world.invalidate("learned:8")
            assert (await second.get()).tier == "mbu"

    run(story())


def test_other_entries_are_left_alone() -> None:
    """An invalidation of one user's tag leaves another user's view an L1 hit."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", {"n": 1})
            world.put("user", {"n": 9}, id="43")
            [process] = world.processes
            await process.get()
            await process.get("43")
            await world.invalidate("user:42")
            assert (await process.get("43")).tier == "l1"

    run(story())


@pytest.mark.parametrize("tag", ["user:42", "learned:7"])
@pytest.mark.parametrize("processes", [1, 2])
def test_r01_an_old_answer_in_flight_is_not_taken_by_who_asks_later(tag: str, processes: int) -> None:
    """The MBU still works on the old answer when the value changes and is invalidated: whoever asks afterwards, of any
    process, gets the new one; the view kept afterwards is the new one; the late answer overwrites nothing."""
    home = screen(Slot("user", learning("user"), required=True))

    async def story() -> None:
        async with World(home, processes=processes) as world:
            early, late = world.processes[0], world.processes[-1]
            world.put("user", [{"id": 7, "n": 1}])
            world.shops["user"].latency = 0.4
            old = asyncio.create_task(early.data())
            await asyncio.sleep(0.1)
            world.put("user", [{"id": 7, "n": 2}])
            await world.invalidate(tag)
            world.shops["user"].latency = 0.01
            began = world.time()
            assert (await late.data())["user"][0]["n"] == 2
            # With a tag known beforehand nobody waits for the old answer to see that it is of no use.
            assert tag == "learned:7" or world.time() - began < 0.1
            assert (await old)["user"][0]["n"] == 1
            await asyncio.sleep(0.5)
            for process in world.processes:
                assert (await process.data())["user"][0]["n"] == 2

    run(story())


def test_a_second_invalidation_during_the_reload_counts() -> None:
    """What is reloaded because of one invalidation is overtaken by the next, even though it is not stored yet."""
    home = screen(Slot("user", fragment("user"), required=True))

    async def story() -> None:
        async with World(home, processes=2) as world:
            world.put("user", 1)
            for process in world.processes:
                await process.get()
            world.shops["user"].latency = 0.2
            world.put("user", 2)
            await world.invalidate("user:42")
            reload = asyncio.create_task(world.processes[0].data())
            await asyncio.sleep(0.1)
            world.put("user", 3)
            await world.invalidate("user:42")
            assert [await process.data() for process in world.processes] == [{"user": 3}] * 2
            assert await reload == {"user": 2}
            assert await world.processes[0].data() == {"user": 3}

    run(story())


def test_a_waiter_that_must_go_again_goes_once() -> None:
    """Under a stream of invalidations every caller still gets an answer: of a load begun after it asked."""
    home = screen(Slot("user", fragment("user"), required=True))

    async def story() -> None:
        async with World(home) as world:
            world.put("user", 1)
            world.shops["user"].latency = 0.1

            async def storm() -> None:
                for _ in range(60):
                    await world.invalidate("user:42")

            storming = asyncio.create_task(storm())
            async with asyncio.timeout(0.4):
                await asyncio.gather(*(world.processes[0].get() for _ in range(5)))
            await storming

    run(story())


def test_a_process_that_joins_later_knows_what_was_invalidated_before() -> None:
    """A new process replays the log: what L2 holds of before an invalidation is not taken."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", {"n": 1})
            await world.processes[0].get()
            world.put("user", {"n": 2})
            await world.invalidate("user:42")
            newcomer = await world.start()
            assert (await newcomer.data())["user"] == {"n": 2}

    run(story())
