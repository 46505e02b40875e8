"""So many callers wait for loads and no more: the others get what is stale where they may, or are refused at once."""

import asyncio
import gc
import random
import tracemalloc
from collections import Counter
from typing import Any

import pytest

from aggregator.engine.answer import Answer, Refused
from aggregator.model.screen import Screen, Slot
from aggregator.model.template import Template
from cache_policies.policy import Lifetime
from loaders.loader import Reason
from tests.virtual_time import run
from tests.world import Process, World, fragment, listing, reading, screen

HOME = screen(Slot("user", fragment("user"), required=True), Slot("feed", fragment("feed"), required=True))
LENIENT = Lifetime(5.0, 0.0, 60.0)


def filled(home: Screen, **settings: Any) -> World:
    """A world whose MBUs have a value and take 200 ms."""
    world = World(home, **settings)
    for name, shop in world.shops.items():
        world.put(name, name)
        shop.latency = 0.2
    return world


def waiting(process: Process) -> int:
    """The gauge."""
    return int(process.service.snapshot()["gauges"]["waiters"])


def turned_away(process: Process) -> dict[tuple[str, ...], float]:
    """The counter, by labels."""
    return dict(process.service.meters.counters["waiters_turned_away"])


def kinds(answers: list[Answer | Refused | None]) -> Counter[str]:
    """How many there are in each state."""
    return Counter(answer.state for answer in answers if answer)


def test_r11_five_thousand_readers_of_one_cold_key_are_one_load_a_fragment() -> None:
    """A thousand wait, as is set unless otherwise; the others are told at once to come again."""

    async def story() -> None:
        async with filled(HOME) as world:
            [process] = world.processes
            began = world.time()
            asked = [asyncio.create_task(process.ask()) for _ in range(5_000)]
            await asyncio.sleep(0.1)
            assert waiting(process) == 2_000
            refused = [task.result() for task in asked if task.done()]
            assert len(refused) == 4_000
            for one in refused:
                assert isinstance(one, Refused)
                assert (one.failure.reason, one.failure.status, one.failure.retry_after) == (Reason.CROWDED, 503, 1.0)
            assert kinds(await asyncio.gather(*asked)) == {"fresh": 1_000, "failed": 4_000}
            assert world.time() - began < 0.25
            assert world.calls() == 2
            assert waiting(process) == 0
            bound = "max_waiters_per_key"
            assert turned_away(process) == {("user", "user", bound): 4_000, ("feed", "feed", bound): 4_000}
            assert (await process.get()).tier == "l1"

    run(story())


def test_who_is_turned_away_leaves_nothing_behind() -> None:
    """While a thousand wait, four thousand that may not take no memory that stays."""

    async def story() -> None:
        async with filled(HOME) as world:
            [process] = world.processes
            world.shops["user"].latency = 0.45
            asked = [asyncio.create_task(process.ask()) for _ in range(1_000)]
            await asyncio.sleep(0.01)

            async def kept_after_a_wave() -> int:
                assert kinds(await asyncio.gather(*(process.ask() for _ in range(1_000)))) == {"failed": 1_000}
                gc.collect()
                return tracemalloc.get_traced_memory()[0]

            tracemalloc.start()
            try:
                first, *later = [await kept_after_a_wave() for _ in range(4)]
            finally:
                tracemalloc.stop()
            assert max(later) - first < 100_000, (first, later)
            assert kinds(await asyncio.gather(*asked)) == {"fresh": 1_000}

    run(story())


def test_all_that_wait_are_bounded_too() -> None:
    """Many keys at once, each with few who wait for it."""

    async def story() -> None:
        async with filled(HOME, max_waiters=100) as world:
            [process] = world.processes
            asked = [asyncio.create_task(process.ask(str(100 + number))) for number in range(80)]
            await asyncio.sleep(0.1)
            assert waiting(process) == 100
            assert kinds(await asyncio.gather(*asked)) == {"absent": 50, "failed": 30}
            assert waiting(process) == 0
            assert turned_away(process).keys() == {(name, name, "max_waiters") for name in ("user", "feed")}

    run(story())


def test_who_is_refused_waits_for_nothing_else() -> None:
    """Where a required slot finds no place the screen cannot be had: what else it needs is loaded for who comes next,
    and not waited for."""
    shared = fragment("feed", path=Template.parse("/feed/all"), tags=())
    home = screen(Slot("user", fragment("user")), Slot("feed", shared, required=True))

    async def story() -> None:
        async with filled(home, max_waiters_per_key=1) as world:
            [process] = world.processes
            first = asyncio.create_task(process.ask("1"))
            await asyncio.sleep(0.1)
            began = world.time()
            refused = await process.ask("2")
            assert isinstance(refused, Refused)
            assert (refused.slot.name, refused.failure.status) == ("feed", 503)
            assert world.time() - began < 0.01
            assert waiting(process) == 2
            assert (await first) is not None
            await process.ask("2")
            assert world.shops["user"].calls == {"/user/1": 1, "/user/2": 1}

    run(story())


@pytest.mark.parametrize("required", [True, False])
def test_who_may_not_wait_gets_what_is_stale_where_that_may_stand_in(required: bool) -> None:
    """As if the load had failed, but at once."""
    home = screen(Slot("user", fragment("user", lifetime=LENIENT), required=required))

    async def story() -> None:
        async with filled(home, max_waiters_per_key=1) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(6)
            first = asyncio.create_task(process.get())
            await asyncio.sleep(0.01)
            began = world.time()
            other = await process.get()
            assert (other.state, other.view.body) == ("stale", b'{"data":{"user":"user"}}')
            assert world.time() - began < 0.01
            assert (await first).state == "fresh"
            assert (await process.get()).state == "fresh"
            assert world.calls() == 2

    run(story())


def test_what_is_stale_is_looked_for_also_where_the_view_was_never_made() -> None:
    """The fragment is another screen's too, and L2 was not looked into for it yet."""
    user = fragment("user", lifetime=LENIENT)
    slots = Slot("user", user, required=True), Slot("feed", fragment("feed"))
    home, card = screen(*slots), screen(slots[0], name="card")

    async def story() -> None:
        world = World(home, card, max_waiters_per_key=1)
        async with world:
            world.put("user", 1)
            world.put("feed", 2)
            [process] = world.processes
            await process.get(name="card")
            await asyncio.sleep(6)
            world.shops["user"].latency = 0.2
            first = asyncio.create_task(process.get(name="card"))
            await asyncio.sleep(0.01)
            assert (await process.get()).state == "stale"
            assert (await first).state == "fresh"

    run(story())


def test_a_screen_that_is_not_whole_because_of_a_crowd_is_held_for_nobody() -> None:
    """The next reader may find a place."""
    home = screen(Slot("user", fragment("user")))

    async def story() -> None:
        async with filled(home, max_waiters_per_key=2) as world:
            [process] = world.processes
            waits = [asyncio.create_task(process.get()) for _ in range(2)]
            await asyncio.sleep(0.01)
            assert (await process.get()).state == "incomplete"
            waits[0].cancel()
            await asyncio.sleep(0)
            assert (await process.get()).state == "fresh"
            await waits[1]

    run(story())


@pytest.mark.parametrize("deadline", [None, 1.0])
def test_a_caller_that_leaves_gives_its_place_back(deadline: float | None) -> None:
    """At once, and the load goes on for who comes then."""
    home = screen(*HOME.slots, deadline=deadline)

    async def story() -> None:
        async with filled(home, max_waiters_per_key=3) as world:
            [process] = world.processes
            gone = [asyncio.create_task(process.ask()) for _ in range(3)]
            await asyncio.sleep(0.1)
            for task in gone:
                task.cancel()
            await asyncio.gather(*gone, return_exceptions=True)
            assert waiting(process) == 0
            answers = await asyncio.gather(*(process.ask() for _ in range(4)))
            assert kinds(answers) == {"fresh": 3, "failed": 1}
            assert world.calls() == 2

    run(story())


def test_r15_a_flight_that_is_given_up_frees_its_places() -> None:
    """At shutdown every waiter is released, and none is counted any more."""

    async def story() -> None:
        async with filled(HOME, drain_limit="10ms") as world:
            [process] = world.processes
            asked = [asyncio.create_task(process.ask()) for _ in range(5)]
            await asyncio.sleep(0.1)
            await process.service.close()
            assert len(await asyncio.gather(*asked, return_exceptions=True)) == 5
            assert waiting(process) == 0

    run(story())


def test_a_refresh_takes_no_readers_place() -> None:
    """It waits behind an answer, and is bounded there."""
    home = screen(Slot("user", fragment("user", lifetime=Lifetime(5.0, 60.0)), required=True))

    async def story() -> None:
        async with filled(home) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(6)
            assert (await process.get()).state == "stale"
            await asyncio.sleep(0.1)
            assert process.service.snapshot()["gauges"]["background_tasks"] == 1
            assert waiting(process) == 0
            await asyncio.sleep(0.2)
            assert (await process.get()).state == "fresh"

    run(story())


def test_who_waits_holds_no_call_to_l2() -> None:
    """Neither for its own process's load nor for another one's: a flight looks for that in turn, not its waiters."""

    async def story() -> None:
        async with filled(HOME, processes=2) as world:
            claims, pending = 0, set[asyncio.Future[Any]]()
            read, claim = world.tier.read, world.tier.claim

            def noted(call: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
                pending.add(call)
                call.add_done_callback(pending.discard)
                return call

            def claimed(*args: Any) -> "asyncio.Future[Any]":
                nonlocal claims
                claims += 1
                return noted(claim(*args))

            world.tier.read = lambda keys: noted(read(keys))  # type: ignore[method-assign]
            world.tier.claim = claimed  # type: ignore[method-assign]
            asked = [asyncio.create_task(process.ask()) for process in world.processes for _ in range(500)]
            await asyncio.sleep(0.01)
            most = 0
            for _ in range(150):
                await asyncio.sleep(0.001)
                most = max(most, len(pending))
            assert [waiting(process) for process in world.processes] == [1_000, 1_000]
            assert most <= 2  # one for each flight of the process that waits for the other
            assert kinds(await asyncio.gather(*asked)) == {"fresh": 1_000}
            assert claims < 40

    run(story())


@pytest.mark.parametrize("headers", [{"cache-control": "no-store"}, {"set-cookie": "a=1"}])
@pytest.mark.parametrize("together", [True, False])
def test_r48_readers_of_what_may_not_be_kept_do_not_queue(headers: dict[str, str], together: bool) -> None:
    """Two hundred over two processes, at once or a millisecond apart, wait for two loads at most: another process's,
    which turns out to be of no use to them, and their own."""

    async def story() -> None:
        async with filled(HOME, processes=2) as world:
            for shop in world.shops.values():
                shop.headers = headers

            async def visit(number: int) -> tuple[float, str]:
                await asyncio.sleep(0.0 if together else number / 1_000)
                began = world.time()
                answer = await world.processes[number % 2].get()
                return world.time() - began, answer.state

            began = world.time()
            took, states = zip(*await asyncio.gather(*map(visit, range(200))), strict=True)
            assert set(states) == {"fresh"}
            assert max(took) < 2 * 0.2 + 0.05
            assert world.time() - began < 2 * 0.2 + (0.05 if together else 0.25)
            assert world.calls() <= (4 if together else 8)

    run(story())


def test_a_herd_over_two_processes_is_one_load_a_fragment() -> None:
    """Each process lets as many wait as may."""

    async def story() -> None:
        async with filled(HOME, processes=2) as world:
            answers = await asyncio.gather(*(world.processes[turn % 2].ask() for turn in range(5_000)))
            assert kinds(answers) == {"fresh": 2_000, "failed": 3_000}
            assert world.calls() == 2

    run(story())


def test_what_may_not_be_kept_makes_nobody_wait_for_long_however_long_it_lasts() -> None:
    """Also once it is forgotten, a second later, that nobody may keep it: the memory of that is L2's, and bounded by
    a lifetime of 1 s."""

    async def story() -> None:
        async with filled(HOME, processes=3) as world:
            for shop in world.shops.values():
                shop.headers = {"cache-control": "no-store"}

            async def visit(number: int) -> float:
                await asyncio.sleep(number * 0.01)
                began = world.time()
                await world.processes[number % 3].get()
                return world.time() - began

            assert max(await asyncio.gather(*map(visit, range(600)))) < 2 * 0.2 + 0.05

    run(story())


def test_no_place_is_ever_lost() -> None:
    """Whatever callers do, in all the ways that a slot is loaded; and no bound is ever passed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    user, feed = Slot("user", fragment("user"), required=True), Slot("feed", fragment("feed", lifetime=LENIENT))
    places, ad = listing("places", "feed.items"), reading("ad", {"id": "user.id"}, fallback_fragment=fragment("user"))
    homes = [
        screen(user, feed),
        screen(user, feed, name="timed", deadline=0.15),
        screen(user, feed, places, ad, name="waves"),
    ]

    async def story() -> None:
        async with World(*homes, processes=2, max_waiters_per_key=6, max_waiters=30) as world:
            for number in "0123456789":
                world.put("user", {"id": number}, number)
                world.put("feed", {"items": list(chance.choices("0123456789", k=3))}, number)
                world.put("places", number, number)

            async def visit() -> None:
                await asyncio.sleep(chance.random())
                process, id = chance.choice(world.processes), chance.choice("0123")
                asking = asyncio.create_task(process.ask(id, chance.choice([one.name for one in homes])))
                await asyncio.wait([asking], timeout=chance.choice([0.05, 0.2, 5.0]) * chance.random())
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

            async def disturb() -> None:
                for _ in range(40):
                    shop = chance.choice(list(world.shops.values()))
                    shop.latency = chance.choice([0.0, 0.05, 0.2, 0.6])
                    shop.headers = chance.choice([{}, {"cache-control": "no-store"}])
                    await world.invalidate(f"{chance.choice(['user', 'feed', 'places'])}:{chance.choice('0123')}")
                    for process in world.processes:
                        assert waiting(process) <= 30
                        assert max(process.service._crowd._waiting.values(), default=0) <= 6
                    await asyncio.sleep(0.02)

            await asyncio.gather(disturb(), *(visit() for _ in range(400)))
            for process in world.processes:
                crowd = process.service._crowd
                assert (crowd.size, crowd._waiting) == (0, {})
            assert any(turned_away(process) for process in world.processes)

    run(story())
