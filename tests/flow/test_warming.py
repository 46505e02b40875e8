"""Warming fills L2 at its rate, as for readers who wait; what cannot be kept is told."""

import asyncio
from collections.abc import Iterable

import pytest

from aggregator.engine.warming import Tally, Wanted, Warming
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen, Slot
from aggregator.tiers.tier import TierUnavailable
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.virtual_time import run
from tests.world import World, fragment, screen

LASTING = Lifetime(60.0, stale_while_revalidate=600.0)
HOME = screen(Slot("user", fragment("user", lifetime=LASTING), required=True), Slot("posts", fragment("posts")))


def wanted(ids: Iterable[int], of: Screen = HOME) -> list[Wanted]:
    """Views by their ids."""
    return [Wanted(f"view {id}", of, Inputs({"id": str(id)})) for id in ids]


async def warm(world: World, views: Iterable[Wanted], rate: float = 1_000.0, at_once: int = 8) -> Tally:
    """What comes of warming them from a process of its own, and letting it store them."""
    process = await world.start()
    told: list[None] = []
    warming = Warming(process.service.screens, rate, at_once)
    await warming.run(views, lambda: told.append(None))
    assert len(told) == len([*views])
    await asyncio.sleep(0.1)
    return warming.tally


def put(world: World, *ids: int) -> None:
    """Give the MBUs something for these ids."""
    for id in ids:
        world.put("user", {"id": id}, str(id))
        world.put("posts", [id], str(id))


def test_readers_find_it_in_l2() -> None:
    """Whichever process they come to."""

    async def story() -> None:
        async with World(HOME) as world:
            put(world, 1, 2, 3)
            assert await warm(world, wanted([1, 2, 3, 9])) == Tally(composed=3, absent=1)
            calls = world.calls()
            assert [(await world.processes[0].get(id)).tier for id in "1239"] == ["l2"] * 4
            assert world.calls() == calls

    run(story())


def test_so_many_a_second_are_composed_and_what_is_there_costs_none() -> None:
    """However quick the MBUs are."""

    async def story() -> None:
        async with World(HOME) as world:
            put(world, *range(100))
            began = world.time()
            assert await warm(world, wanted(range(50)), rate=10.0) == Tally(composed=50)
            assert 4.9 <= world.time() - began < 5.3
            assert world.calls() == 100
            began = world.time()
            assert await warm(world, wanted(range(60)), rate=10.0) == Tally(composed=10, there=50)
            assert 0.9 <= world.time() - began < 1.3
            assert world.calls() == 120

    run(story())


def test_what_is_stale_is_loaded_again() -> None:
    """Though a reader would be given it meanwhile."""

    async def story() -> None:
        async with World(HOME) as world:
            put(world, 1)
            await warm(world, wanted([1]))
            await asyncio.sleep(100.0)
            put(world, 1)
            world.put("user", {"id": "new"}, "1")
            assert await warm(world, wanted([1])) == Tally(composed=1)
            assert await world.processes[0].data("1") == {"user": {"id": "new"}, "posts": [1]}

    run(story())


@pytest.mark.parametrize(
    ("mbu", "reason"),
    [("user", "view 1: user: user: on purpose"), ("posts", "view 1: /posts: posts: on purpose")],
)
def test_what_fails_is_told_with_its_reason(mbu: str, reason: str) -> None:
    """Whether the screen needs it or does without it: it is not kept."""

    async def story() -> None:
        async with World(HOME) as world:
            put(world, *range(1, 10))
            world.shops[mbu].failure = Failed(Reason.STATUS, "on purpose")
            tally = await warm(world, wanted(range(1, 10)), at_once=1)
            assert (tally.composed, tally.failed, len(tally.reasons), tally.reasons[0]) == (0, 9, 5, reason)

    run(story())


def test_what_may_not_be_kept_is_told() -> None:
    """It would be composed for nobody."""

    async def story() -> None:
        async with World(HOME) as world:
            put(world, 1)
            world.shops["posts"].headers = {"cache-control": "no-store"}
            tally = await warm(world, wanted([1]))
            assert tally.reasons == ["view 1: an MBU says that its answer may not be kept"]

    run(story())


def test_without_l2_it_ends() -> None:
    """As nothing would be kept of what the MBUs are asked for."""

    async def story() -> None:
        async with World(HOME) as world:
            put(world, 1)
            world.tier.down = True
            with pytest.raises(TierUnavailable):
                await warm(world, wanted(range(1, 100)))
            assert world.calls() == 0

    run(story())
