"""What is hot is composed anew as soon as it is invalidated, within a budget, by one process of the fleet."""

import asyncio
from collections import Counter

import pytest

from aggregator.engine.refresh import IN_FLIGHT, Refreshing
from aggregator.model.address import Addresses
from aggregator.model.agenda import Due
from aggregator.model.position import Position
from aggregator.model.template import Template
from aggregator.tiers.local import LocalTier
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.virtual_time import run
from tests.world import Process, Slot, World, fragment, reading, screen

LATENCY = 0.05
HOME = screen(Slot("feed", fragment("feed")), Slot("user", fragment("user")))


def _world(*screens: object, budget: float = 100.0, **more: object) -> World:
    return World(*(screens or (HOME,)), refresh_budget=budget, **more)  # type: ignore[arg-type]


async def _hot(world: World, *ids: str) -> None:
    """Read each view three times in every process; what is read is counted within a second."""
    for shop in world.shops.values():
        shop.latency = LATENCY
    for id in ids:
        for name in world.shops:
            world.put(name, {"v": 1}, id)
        for process in world.processes:
            for _ in range(3):
                await process.get(id)
    await asyncio.sleep(1.1)


def _outcomes(process: Process) -> Counter[str]:
    series = process.service.meters.counters["refreshes"]
    return Counter({outcome: int(count) for (_, outcome), count in series.items()})


def test_a_hot_view_is_there_again_before_it_is_read_and_only_what_was_overtaken_is_loaded() -> None:
    async def play() -> None:
        async with _world() as world:
            await _hot(world, "42")
            [process] = world.processes
            world.put("feed", {"v": 2})
            await world.invalidate("feed:42")
            await asyncio.sleep(2 * LATENCY)
            answer = await process.get()
            assert (answer.tier, answer.state) == ("l1", "fresh")
            assert answer.view.body == b'{"data":{"feed":{"v":2},"user":{"v":1}}}'
            assert (world.shops["feed"].calls.total(), world.shops["user"].calls.total()) == (2, 1)

    run(play())


def test_a_view_read_once_is_left_to_its_next_reader() -> None:
    async def play() -> None:
        async with _world() as world:
            world.put("feed", {"v": 1})
            [process] = world.processes
            await process.get()
            await asyncio.sleep(1.1)
            await world.invalidate("feed:42")
            await asyncio.sleep(1.0)
            assert world.shops["feed"].calls.total() == 1
            assert (await process.get()).tier == "mbu"

    run(play())


def test_what_nobody_has_read_for_idle_after_is_left() -> None:
    async def play() -> None:
        async with _world(screen(Slot("feed", fragment("feed", lifetime=Lifetime(600.0)))), idle_after="30s") as world:
            await _hot(world, "42")
            await asyncio.sleep(31.0)
            await world.invalidate("feed:42")
            await asyncio.sleep(1.0)
            assert world.shops["feed"].calls.total() == 1

    run(play())


def test_one_process_composes_and_the_others_take_it_over() -> None:
    async def play() -> None:
        async with _world(processes=3) as world:
            await _hot(world, "42")
            world.put("feed", {"v": 2})
            await world.invalidate("feed:42")
            await asyncio.sleep(4 * LATENCY)
            assert world.shops["feed"].calls.total() == 2
            assert [(await process.get()).tier for process in world.processes] == ["l1"] * 3
            assert [(await process.data())["feed"] for process in world.processes] == [{"v": 2}] * 3
            assert sum((_outcomes(process) for process in world.processes), Counter()) == {"composed": 1, "taken": 2}

    run(play())


def test_the_fleet_keeps_to_its_budget_and_the_hottest_come_first() -> None:
    budget, views = 20.0, 60

    async def play() -> None:
        ids = [str(number) for number in range(views)]
        everything = screen(Slot("feed", fragment("feed", tags=(Template.parse("feed:{id}"), Template.parse("all")))))
        async with _world(everything, budget=budget, processes=2) as world:
            await _hot(world, *ids)
            for _ in range(20):
                for process in world.processes:
                    await process.get("7")
            await asyncio.sleep(1.1)
            shop, began = world.shops["feed"], world.time()
            shop.calls.clear()
            await world.invalidate("all")
            await asyncio.sleep(0.2)
            assert shop.calls["/feed/7"] == 1
            assert shop.calls.total() <= 0.2 * budget + budget / 10 + 1
            while world.time() < began + views / budget + 1:
                await asyncio.sleep(0.1)
                assert shop.calls.total() <= (world.time() - began) * budget + budget / 10 + 1
            assert shop.calls.total() == views
            assert [(await process.get(id)).tier for process in world.processes for id in ids] == ["l1"] * 2 * views
            assert shop.calls.total() == views

    run(play())


def test_a_wide_tag_is_refreshed_too() -> None:
    """It expels nothing, but raises the barrier."""

    async def play() -> None:
        async with _world() as world:
            await _hot(world, "1", "2")
            world.shops["feed"].calls.clear()
            world.put("feed", {"v": 2}, "1")
            await world.invalidate("fragment:feed")
            await asyncio.sleep(4 * LATENCY)
            assert world.shops["feed"].calls == {"/feed/1": 1, "/feed/2": 1}
            answer = await world.processes[0].get("1")
            assert (answer.tier, b'"feed":{"v":2}' in answer.view.body) == ("l1", True)

    run(play())


def test_a_thousand_invalidations_in_a_second_cost_three_compositions_and_the_last_value_wins() -> None:
    async def play() -> None:
        async with _world(processes=2) as world:
            await _hot(world, "42")
            world.shops["feed"].calls.clear()
            for number in range(1_000):
                world.put("feed", {"v": number})
                await world.log.append(["feed:42"])
                await asyncio.sleep(0.001)
            await asyncio.sleep(2.0)
            assert 1 <= world.shops["feed"].calls.total() <= 3
            for process in world.processes:
                answer = await process.get()
                assert (answer.tier, answer.state) == ("l1", "fresh")
                assert b'"feed":{"v":999}' in answer.view.body

    run(play())


def test_a_reader_is_not_held_back_by_the_budget() -> None:
    async def play() -> None:
        async with _world(budget=0.1) as world:
            await _hot(world, "1", "2", "3")
            await world.invalidate("feed:1", "feed:2", "feed:3")
            began = world.time()
            await asyncio.gather(*(world.processes[0].get(id) for id in "123"))
            assert world.time() - began < 2 * LATENCY

    run(play())


def test_few_refreshes_ask_one_mbu_at_once_and_readers_do_not_wait_behind_them() -> None:
    async def play() -> None:
        async with _world(screen(Slot("feed", fragment("feed"))), budget=10_000.0) as world:
            ids = [str(number) for number in range(100)]
            await _hot(world, *ids)
            shop = world.shops["feed"]
            shop.calls.clear()
            shop.latency = 0.4
            await world.invalidate(*(f"feed:{id}" for id in ids))
            await asyncio.sleep(0.1)
            assert shop.calls.total() == 16  # a quarter of the 64 that one process may have under way
            began = world.time()
            left = next(id for id in ids if f"/feed/{id}" not in shop.calls)
            await world.processes[0].get(left)
            assert world.time() - began < 0.45

    run(play())


def test_where_l2_is_away_it_goes_on_within_a_budget_of_its_own() -> None:
    async def play() -> None:
        async with _world(budget=20.0) as world:
            ids = [str(number) for number in range(30)]
            await _hot(world, *ids)
            world.shops["feed"].calls.clear()
            world.tier.down = True
            await world.invalidate(*(f"feed:{id}" for id in ids))
            await asyncio.sleep(0.5)
            assert 5 <= world.shops["feed"].calls.total() <= 0.5 * 20 + 3

    run(play())


def test_a_failing_mbu_is_not_asked_again_and_again() -> None:
    async def play() -> None:
        async with _world() as world:
            await _hot(world, "42")
            world.shops["feed"].calls.clear()
            world.shops["feed"].failure = Failed(Reason.STATUS, "down")
            await world.invalidate("feed:42")
            await asyncio.sleep(5.0)
            assert world.shops["feed"].calls.total() == 1

    run(play())


def test_readers_of_what_is_being_composed_leave_one_due_however_many_they_are() -> None:
    """Each is served what was invalidated, which is to be composed anew for each."""
    lifetime = Lifetime(60.0, stale_while_revalidate=10.0)
    home = screen(Slot("feed", fragment("feed", lifetime=lifetime, serves_overtaken=True)))

    async def play() -> None:
        async with _world(home) as world:
            await _hot(world, "42")
            [process] = world.processes
            world.shops["feed"].calls.clear()
            world.put("feed", {"v": 2})
            await world.invalidate("feed:42")
            for _ in range(100):
                assert (await process.get()).state == "overtaken"
            assert _waiting(process.service.refreshing) == 1
            await asyncio.sleep(2 * LATENCY)
            assert (await process.get()).state == "fresh"
            assert _waiting(process.service.refreshing) == 0
            assert world.shops["feed"].calls.total() == 1

    run(play())


@pytest.mark.parametrize("failing", ["inputs", "take_turn"])
def test_a_defect_costs_a_refresh_and_not_the_worker(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect, played")

    async def play() -> None:
        async with _world() as world:
            await _hot(world, "42")
            [process] = world.processes
            with monkeypatch.context() as patched:
                patched.setattr(Addresses if failing == "inputs" else LocalTier, failing, fail)
                await world.invalidate("feed:42")
            assert not process.running.done()
            await process.get()
            world.shops["feed"].calls.clear()
            await world.invalidate("feed:42")
            await asyncio.sleep(2 * LATENCY)
            assert world.shops["feed"].calls.total() == 1
            assert len(process.service.refreshing._under_way) == 0
            assert process.service.refreshing._room._value == IN_FLIGHT

    run(play())


def test_others_run_while_what_need_not_be_composed_is_taken_off_the_agenda() -> None:
    async def play() -> None:
        async with _world() as world:
            [process] = world.processes
            refreshing = process.service.refreshing
            for number in range(1_000):
                refreshing._add(Due(HOME, b"/home/%d" % number, Position(1), 1.0, 0.1))
            await asyncio.sleep(0)
            assert 0 < len(refreshing) < 1_000
            await asyncio.sleep(1.0)
            assert _outcomes(process) == {"cold": 1_000}

    run(play())


def test_r50_who_was_served_what_was_invalidated_late_does_not_take_the_place_of_what_was_composed_meanwhile() -> None:
    feed = fragment("feed", lifetime=Lifetime(60.0, stale_while_revalidate=10.0), serves_overtaken=True)
    home = screen(Slot("feed", feed), reading("item", {"id": "feed.item"}))
    old, new = ({"feed": {"item": id}, "item": id} for id in ("a", "b"))

    async def play() -> None:
        async with _world(home) as world:
            await _hot(world, "42")
            [process] = world.processes
            world.put("feed", {"item": "a"})
            world.put("item", "a", "a")
            world.put("item", "b", "b")
            await world.invalidate("feed:42")
            await asyncio.sleep(3 * LATENCY)
            assert await process.data() == old
            world.put("feed", {"item": "b"})
            world.shops["item"].latency = 0.4
            await world.invalidate("feed:42", "item:a")
            late = asyncio.ensure_future(process.data())
            await asyncio.sleep(LATENCY / 2)
            world.shops["item"].latency = 0.0
            await asyncio.sleep(2 * LATENCY)
            assert await process.data() == new
            assert await late == old
            assert await process.data() == new

    run(play())


@pytest.mark.parametrize("tags", [("viewer:u1",), ("feed:u1", "viewer:u1")])
def test_what_was_forgotten_is_not_loaded_until_its_viewer_is_there_again(tags: tuple[str, ...]) -> None:
    private = fragment("feed", path=Template.parse("/feed/{viewer.sub}"), tags=(Template.parse("feed:{viewer.sub}"),))

    async def play() -> None:
        async with _world(screen(Slot("feed", private))) as world:
            [process] = world.processes
            world.put("feed", {"v": 1}, "u1")
            for _ in range(3):
                await process.ask(values={"viewer.sub": "u1"})
            for tag in tags:
                await world.log.append([tag])
            await asyncio.sleep(1.0)
            assert world.shops["feed"].calls.total() == 1
            await process.ask(values={"viewer.sub": "u1"})
            await world.invalidate("feed:u1")
            await asyncio.sleep(LATENCY)
            assert world.shops["feed"].calls.total() == 3

    run(play())


def test_what_another_composes_is_looked_for_again_where_l2_was_away_for_a_moment() -> None:
    async def play() -> None:
        async with _world(processes=2) as world:
            await _hot(world, "42")
            world.put("feed", {"v": 2})
            world.shops["feed"].latency = 0.2
            await world.invalidate("feed:42")
            await asyncio.sleep(LATENCY)
            world.tier.down = True
            await asyncio.sleep(2 * LATENCY)
            world.tier.down = False
            await asyncio.sleep(1.0)
            assert [(await process.get()).tier for process in world.processes] == ["l1"] * 2
            assert sum((_outcomes(process) for process in world.processes), Counter()) == {"composed": 1, "taken": 1}

    run(play())


def test_what_was_given_stale_is_composed_once_its_mbu_is_back() -> None:
    """Who tried first, at a later head, had taken the turn."""
    lifetime = Lifetime(5.0, stale_while_revalidate=60.0)

    async def play() -> None:
        async with _world(screen(Slot("feed", fragment("feed", lifetime=lifetime)))) as world:
            await _hot(world, "42")
            [process] = world.processes
            await world.invalidate("something:else")
            await asyncio.sleep(5.0)
            world.shops["feed"].failure = Failed(Reason.STATUS, "down")
            assert (await process.get()).state == "stale"
            await asyncio.sleep(1.0)
            world.shops["feed"].failure = None
            for _ in range(4):
                await process.get()
                await asyncio.sleep(1.0)
            assert (await process.get()).state == "fresh"

    run(play())


def _waiting(refreshing: Refreshing) -> int:
    """Dues, also those of what is being composed."""
    return len(refreshing) + sum(due is not None for due in refreshing._under_way.values())
