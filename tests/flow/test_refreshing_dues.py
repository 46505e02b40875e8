"""What becomes of a view that is due: it is composed if it is still wanted, and what is worth most comes first."""

import asyncio
from collections import Counter

import orjson

from aggregator.engine.refresh import IN_FLIGHT
from aggregator.model.batch import Batch
from aggregator.model.payload_path import PayloadPath
from aggregator.model.template import Template
from cache_policies.policy import Lifetime
from loaders.loader import NO_HEADERS, Failed, Loaded, LoadRequest, Reason
from tests.flow.test_refreshing import LATENCY, _hot, _outcomes, _world
from tests.virtual_time import run
from tests.world import Slot, World, fragment, listing, screen


def test_a_cold_view_is_not_even_due() -> None:
    async def play() -> None:
        async with _world() as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(1.1)
            await world.invalidate("feed:42")
            await asyncio.sleep(1.0)
            assert _outcomes(process) == {}

    run(play())


def test_what_was_read_just_before_counts() -> None:
    async def play() -> None:
        async with _world() as world:
            [process] = world.processes
            await process.get()
            await process.get()
            await world.invalidate("feed:42")
            await asyncio.sleep(2 * LATENCY)
            assert _outcomes(process) == {"composed": 1}

    run(play())


def test_without_a_budget_what_was_invalidated_is_left_to_its_readers() -> None:
    async def play() -> None:
        async with _world(budget=0.0) as world:
            await _hot(world, "42")
            [process] = world.processes
            await world.invalidate("feed:42")
            await world.invalidate("fragment:feed")
            await asyncio.sleep(1.0)
            assert _outcomes(process) == {}

    run(play())


def test_what_has_become_cold_while_it_waited_is_left() -> None:
    async def play() -> None:
        lasting = screen(Slot("feed", fragment("feed", lifetime=Lifetime(600.0))))
        async with _world(lasting, budget=0.1, idle_after="30s") as world:
            ids = [str(number) for number in range(10)]
            await _hot(world, *ids)
            [process] = world.processes
            await world.invalidate(*(f"feed:{id}" for id in ids))
            await asyncio.sleep(60.0)
            assert _outcomes(process) == {"composed": 4, "cold": 6}

    run(play())


def test_what_readers_have_loaded_meanwhile_is_not_composed_again() -> None:
    async def play() -> None:
        async with _world(budget=0.1) as world:
            ids = [str(number) for number in range(10)]
            await _hot(world, *ids)
            [process] = world.processes
            await world.invalidate(*(f"feed:{id}" for id in ids))
            for id in ids:
                await process.get(id)
            await asyncio.sleep(50.0)
            assert _outcomes(process) == {"composed": 1}  # the first, at once

    run(play())


def test_what_took_long_to_load_comes_before_what_is_read_a_little_more() -> None:
    tags = (Template.parse("both"),)
    quick, slow = (screen(Slot(name, fragment(name, tags=tags)), name=name) for name in ("quick", "slow"))

    async def play() -> None:
        async with _world(quick, slow, budget=0.1) as world:
            [process] = world.processes
            world.shops["slow"].latency = 0.3
            for name, reads in (("slow", 3), ("quick", 4)):
                world.put(name, {"v": 1})
                for _ in range(reads):
                    await process.get(name=name)
            await asyncio.sleep(1.1)
            await world.invalidate("both")
            await asyncio.sleep(1.0)
            assert {name: shop.calls.total() for name, shop in world.shops.items()} == {"quick": 1, "slow": 2}

    run(play())


def test_what_another_could_not_compose_is_looked_for_a_few_times_and_left() -> None:
    async def play() -> None:
        async with _world(processes=2) as world:
            await _hot(world, "42")
            world.shops["feed"].failure = Failed(Reason.STATUS, "down")
            await world.invalidate("feed:42")
            await asyncio.sleep(30.0)
            assert sum((_outcomes(process) for process in world.processes), Counter()) == {"failed": 1, "left": 1}

    run(play())


def test_what_is_stale_soon_after_it_was_composed_is_composed_again() -> None:
    """That composition's turn is no reason to wait for another one's."""
    brief = screen(Slot("feed", fragment("feed", lifetime=Lifetime(1.5, stale_while_revalidate=60.0))))

    async def play() -> None:
        async with _world(brief) as world:
            await _hot(world, "42")
            [process] = world.processes
            await world.invalidate("feed:42")
            await asyncio.sleep(2 * LATENCY)
            assert (await process.get()).state == "fresh"
            await asyncio.sleep(1.5)
            assert (await process.get()).state == "stale"
            await asyncio.sleep(2 * LATENCY)
            assert (await process.get()).state == "fresh"

    run(play())


def test_a_raised_barrier_leaves_hot_views_proved() -> None:
    home, other = screen(Slot("feed", fragment("feed"))), screen(Slot("other", fragment("other")), name="other")

    async def play() -> None:
        async with _world(home, other) as world:
            await _read(world)
            service = world.processes[0].service
            before = service.ledger.barrier
            await world.invalidate("fragment:other")
            held = service.memory.find(b"/home/42")
            assert held is not None
            assert before < service.ledger.barrier <= held.position
            assert world.shops["feed"].calls.total() == 1

    run(play())


async def _read(world: World) -> None:
    world.put("feed", {"v": 1})
    for _ in range(3):
        await world.processes[0].get()
    await asyncio.sleep(1.1)


def test_so_many_are_composed_at_once_in_one_process() -> None:
    async def play() -> None:
        async with _world(screen(Slot("feed", fragment("feed"))), budget=10_000.0) as world:
            ids = [str(number) for number in range(IN_FLIGHT + 10)]
            await _hot(world, *ids)
            world.shops["feed"].latency = 0.4
            await world.invalidate(*(f"feed:{id}" for id in ids))
            await asyncio.sleep(0.2)
            refreshing = world.processes[0].service.refreshing
            assert len(refreshing._under_way) == IN_FLIGHT
            assert len(refreshing) == 9  # and one that waits for room

    run(play())


def test_what_is_asked_for_in_one_call_takes_one_turn() -> None:
    batch = Batch(Template.parse("/article?ids={ids}"), "id", PayloadPath.parse("id"), max=50)
    article = fragment("article", tags=(Template.parse("articles"),), batch=batch)
    home = screen(Slot("feed", fragment("feed")), listing("article", "feed[*]", fragment=article))

    def articles(request: LoadRequest) -> Loaded:
        return Loaded(orjson.dumps([{"id": id} for id in request.target.partition("=")[2].split(",")]), NO_HEADERS)

    async def play() -> None:
        async with _world(home) as world:
            [process] = world.processes
            world.put("feed", [str(number) for number in range(40)])
            world.shops["article"].answer = articles
            for _ in range(3):
                await process.get()
            await asyncio.sleep(1.1)
            assert world.shops["article"].calls.total() == 1
            await world.invalidate("articles")
            await asyncio.sleep(1.0)
            assert (await process.get()).tier == "l1"
            assert world.shops["article"].calls.total() == 2

    run(play())
