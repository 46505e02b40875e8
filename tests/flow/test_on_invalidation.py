"""What a reader gets of what was invalidated, where its fragment says `on_invalidation = "refresh"`."""

import asyncio
from typing import Any

import pytest

from aggregator.engine.answer import Answer
from aggregator.model.template import Template
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.virtual_time import run
from tests.world import Process, Slot, World, fragment, screen

SWR = 10.0
LIFETIME = Lifetime(60.0, stale_while_revalidate=SWR)
LATENCY = 0.05


def _refreshing(name: str, **given: Any) -> Slot:
    return Slot(name, fragment(name, lifetime=LIFETIME, serves_overtaken=True, **given))


async def _fill(world: World) -> Process:
    for shop in world.shops.values():
        shop.latency = LATENCY
    for name in world.shops:
        world.put(name, {"v": 1})
    await world.processes[0].get()
    await asyncio.sleep(0.1)  # stored behind the answer
    return world.processes[0]


async def _asked(process: Process) -> tuple[Answer, float]:
    began = asyncio.get_running_loop().time()
    return await process.get(), asyncio.get_running_loop().time() - began


def _states(answer: Answer) -> list[str]:
    return [slot.state for slot in answer.slots]


def test_r35_the_old_one_is_served_marked_until_the_new_one_is_there() -> None:
    async def play() -> None:
        async with World(screen(_refreshing("feed"), _refreshing("user"))) as world:
            process = await _fill(world)
            world.put("feed", {"v": 2})
            await world.invalidate("feed:42")
            for tier in ("l2", "l1"):
                answer, seconds = await _asked(process)
                assert seconds < LATENCY / 2
                assert (answer.state, answer.tier, _states(answer)) == ("overtaken", tier, ["overtaken", "fresh"])
                assert b'"feed":{"v":1}' in answer.view.body
            await asyncio.sleep(2 * LATENCY)
            answer, _ = await _asked(process)
            assert (answer.state, answer.tier) == ("fresh", "l1")
            assert b'"feed":{"v":2}' in answer.view.body
            assert (world.shops["feed"].calls.total(), world.shops["user"].calls.total()) == (2, 1)

    run(play())


def test_a_fragment_that_does_not_say_so_is_waited_for() -> None:
    async def play() -> None:
        async with World(screen(_refreshing("feed"), Slot("user", fragment("user", lifetime=LIFETIME)))) as world:
            process = await _fill(world)
            world.put("user", {"v": 2})
            await world.invalidate("user:42", "feed:42")
            answer, seconds = await _asked(process)
            assert seconds >= LATENCY
            assert _states(answer) == ["overtaken", "fresh"]
            assert b'"user":{"v":2}' in answer.view.body

    run(play())


def test_it_is_served_for_no_longer_than_stale_while_revalidate_from_the_first_invalidation_on() -> None:
    async def play() -> None:
        async with World(screen(_refreshing("feed"))) as world:
            process = await _fill(world)
            world.shops["feed"].failure = Failed(Reason.STATUS, "down")
            await world.invalidate("feed:42")
            await asyncio.sleep(SWR / 2)
            assert (await process.get()).state == "overtaken"
            await world.invalidate("feed:42")
            assert (await process.get()).state == "overtaken"
            await asyncio.sleep(SWR / 2)
            assert (await process.get()).state == "incomplete"

    run(play())


@pytest.mark.parametrize("tag", ["feed:42", "fragment:feed", "*"])
def test_what_is_loaded_again_while_it_is_overtaken_again_is_not_taken_for_current(tag: str) -> None:
    async def play() -> None:
        async with World(screen(_refreshing("feed"))) as world:
            process = await _fill(world)
            await world.invalidate(tag)
            await process.get()
            await asyncio.sleep(LATENCY / 2)
            world.put("feed", {"v": 3})
            await world.invalidate(tag)
            assert (await process.get()).state == "overtaken"
            for _ in range(4):  # each that is served what is overtaken begins another load, if none is under way
                await process.get()
                await asyncio.sleep(2 * LATENCY)
            answer = await process.get()
            assert answer.state == "fresh"
            assert b'"feed":{"v":3}' in answer.view.body

    run(play())


def test_a_part_that_is_waited_for_is_never_kept_beside_it_once_it_was_overtaken() -> None:
    """It was overtaken while it was loaded, for a reader who had asked before that."""

    async def play() -> None:
        async with World(screen(_refreshing("feed"), Slot("user", fragment("user", lifetime=LIFETIME)))) as world:
            process = await _fill(world)
            await world.invalidate("feed:42", "user:42")
            world.shops["feed"].failure = Failed(Reason.STATUS, "down")
            early = asyncio.ensure_future(process.get())
            await asyncio.sleep(LATENCY / 2)
            world.put("user", {"v": 2})
            await world.invalidate("user:42")
            assert b'"user":{"v":1}' in (await early).view.body
            answer = await process.get()
            assert _states(answer) == ["overtaken", "fresh"]
            assert b'"user":{"v":2}' in answer.view.body

    run(play())


def test_an_incomplete_view_is_not_held_for_as_long_as_what_was_invalidated_beside_it() -> None:
    async def play() -> None:
        async with World(screen(_refreshing("feed"), Slot("user", fragment("user", lifetime=LIFETIME)))) as world:
            process = await _fill(world)
            for shop in world.shops.values():
                shop.failure = Failed(Reason.STATUS, "down")
            await world.invalidate("feed:42", "user:42")
            assert (await process.get()).state == "incomplete"
            world.shops["user"].failure = None
            await asyncio.sleep(1.1)
            assert _states(await process.get()) == ["overtaken", "fresh"]

    run(play())


def test_what_may_not_be_stored_is_not_held_beside_it() -> None:
    async def play() -> None:
        async with World(screen(_refreshing("feed"), Slot("user", fragment("user", lifetime=LIFETIME)))) as world:
            process = await _fill(world)
            world.shops["feed"].failure = Failed(Reason.STATUS, "down")
            world.shops["user"].headers = {"cache-control": "no-store"}
            await world.invalidate("feed:42", "user:42")
            for value in (2, 3):
                world.put("user", {"v": value})
                answer = await process.get()
                assert answer.state == "overtaken"
                assert b'"user":{"v":%d}' % value in answer.view.body

    run(play())


def test_a_forgotten_viewer_is_never_served_what_was_theirs() -> None:
    private = Slot(
        "feed",
        fragment(
            "feed",
            lifetime=LIFETIME,
            serves_overtaken=True,
            path=Template.parse("/feed/{viewer.sub}"),
            tags=(Template.parse("feed:{viewer.sub}"),),
        ),
    )

    async def play() -> None:
        async with World(screen(private)) as world:
            [process] = world.processes
            world.put("feed", {"v": 1}, id="u1")
            values = {"viewer.sub": "u1"}
            await process.ask(values=values)
            await asyncio.sleep(0.1)
            world.put("feed", {"v": 2}, id="u1")
            await world.invalidate("viewer:u1")
            answer = await process.ask(values=values)
            assert isinstance(answer, Answer)
            assert answer.state == "fresh"
            assert b'"feed":{"v":2}' in answer.view.body

    run(play())
