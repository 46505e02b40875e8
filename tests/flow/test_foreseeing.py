"""What is foreseen of an invalidation is what it then overtakes, and foreseeing overtakes nothing."""

import asyncio
from typing import Any

import pytest

from aggregator.model.template import Template
from tests.virtual_time import run
from tests.world import Process, Slot, World, fragment, screen

USER, FEED = Slot("user", fragment("user")), Slot("feed", fragment("feed"))
HOME, CARD = screen(USER, FEED), screen(USER, name="card")
LATENCY = 0.25


async def foresee(process: Process, *tags: str) -> Any:
    """What a process foresees of an invalidation of the tags."""
    return await process.service.answers["foresee"]({"tags": [*tags]})


async def fill(world: World, count: int) -> Process:
    """Hold as many views of each screen."""
    for shop in world.shops.values():
        shop.latency = LATENCY
    [process] = world.processes
    for id in map(str, range(count)):
        for name in world.shops:
            world.put(name, {"v": id}, id)
        await process.get(id)
        await process.get(id, "card")
    return process


async def overtaken(process: Process, *tags: str) -> dict[str, int]:
    """Of each screen, the views that are no hit any more once the tags are invalidated."""

    def hits() -> dict[str, int]:
        found = {"home": 0, "card": 0}
        for held in process.service.memory.all():
            ledger = process.service.ledger
            found[held.screen.name] += held.position >= ledger.barrier or ledger.current(held.tags, held.position)
        return found

    before = hits()
    await process.world.invalidate(*tags)
    after = hits()
    return {name: before[name] - after[name] for name in before if before[name] > after[name]}


@pytest.mark.parametrize(
    ("tags", "views"),
    [
        (["user:1"], {"home": 1, "card": 1}),
        (["feed:1", "feed:2", "user:2"], {"home": 2, "card": 1}),
        (["fragment:feed"], {"home": 5}),
        (["screen:card"], {"card": 5}),
        (["mbu:feed", "user:3"], {"home": 5, "card": 1}),
        (["*"], {"home": 5, "card": 5}),
        (["nothing"], {}),
    ],
)
def test_what_is_foreseen_is_what_is_overtaken(tags: list[str], views: dict[str, int]) -> None:
    """Tags of one view, of several, and of all of a screen; what it costs is what loading took."""

    async def main() -> None:
        async with World(HOME, CARD, refresh_budget=0) as world:
            process = await fill(world, 5)
            head, calls, keys = process.service.ledger.head, world.calls(), [*process.service.memory._views]
            told = await foresee(process, *tags)
            assert told["held"]["views"] == views
            assert told["held"]["seconds"] == pytest.approx(sum(views.values()) * LATENCY)
            assert (process.service.ledger.head, world.calls(), [*process.service.memory._views]) == (head, calls, keys)
            assert await overtaken(process, *tags) == views

    run(main())


def test_what_was_overtaken_before_is_not_foreseen() -> None:
    """It is held behind the barrier until it is read again."""

    async def main() -> None:
        async with World(HOME, CARD, refresh_budget=0) as world:
            process = await fill(world, 3)
            await world.invalidate("fragment:feed")
            assert (await foresee(process, "*"))["held"]["views"] == {"card": 3}
            await process.get("1")
            assert (await foresee(process, "fragment:feed"))["held"]["views"] == {"home": 1}

    run(main())


def test_those_that_are_read_these_days_are_told_apart() -> None:
    """They are what would be refreshed."""

    async def main() -> None:
        async with World(HOME, CARD) as world:
            process = await fill(world, 3)
            for _ in range(3):
                await process.get("1")
            told = await foresee(process, "*")
            assert (told["held"]["views"], told["hot"]["views"]) == ({"home": 3, "card": 3}, {"home": 1})
            assert told["hot"]["seconds"] == pytest.approx(LATENCY)

    run(main())


def test_a_wide_tag_is_counted_with_turns_for_others_between() -> None:
    """It is on more views than are indexed by one tag: all are looked at, some at a time."""

    async def main() -> None:
        shared = fragment("user", tags=(Template.parse("all"),))
        async with World(screen(Slot("user", shared), name="card")) as world:
            [process] = world.processes
            for id in map(str, range(1_500)):
                world.put("user", {"v": id}, id)
                await process.get(id, "card")
            turns = 0

            async def others() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            going_on = asyncio.create_task(others())
            assert (await foresee(process, "all"))["held"]["views"] == {"card": 1_500}
            going_on.cancel()
            assert turns >= 1_500 / 200

    run(main())


def test_it_is_told_what_declares_such_a_tag() -> None:
    async def main() -> None:
        async with World(HOME, CARD, refresh_budget=0) as world:
            [process] = world.processes
            told = await foresee(process, "feed:7", "screen:card", "other")
            assert told["tags"] == {
                "feed:7": {"fragments": ("feed",), "screens": ("home",)},
                "screen:card": {"fragments": (), "screens": ("card",)},
                "other": {"fragments": (), "screens": ()},
            }

    run(main())
