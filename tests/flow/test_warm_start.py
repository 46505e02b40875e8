"""A warm start: who starts later has what is read most before it is ready, without asking an MBU."""

import asyncio
from itertools import pairwise
from math import inf

import pytest

from aggregator.engine.noting import EVERY, lasting
from aggregator.model.heat import HALF_LIFE, Heat
from aggregator.model.inputs import Inputs
from aggregator.model.route import Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.template import Template
from tests.virtual_time import run
from tests.world import Process, World, fragment, screen

HOME = screen(Slot("user", fragment("user"), required=True))
OTHER = screen(Slot("user", fragment("other")), name="other")


def address(id: object, name: str = "home") -> bytes:
    """The address of a view."""
    return f"/{name}/{id}".encode()


async def filled(world: World, count: int, process: int = 0) -> Process:
    """A process whose readers read views 0, 1, … the more often the lower their number, and which has told so."""
    first = world.processes[process]
    for id in range(count):
        world.put("user", {"id": id}, str(id))
        await first.get(str(id))
        first.service.reading.heat.note(address(id), count - id, first.service._clock.now())
    await asyncio.sleep(EVERY + 0.1)
    return first


async def ready(world: World) -> tuple[Process, float]:
    """Another process once it is ready, and the seconds until then."""
    began = world.time()
    process = await world.start()
    while not process.service.health().ready:  # noqa: ASYNC110  # nothing is told when it is
        await asyncio.sleep(0.001)
    return process, world.time() - began


def test_a_second_process_starts_with_what_is_hot() -> None:
    """Its first readers are answered by L1: no MBU is asked, and L2 is not read."""

    async def story() -> None:
        async with World(HOME) as world:
            await filled(world, 300)
            calls = world.calls()
            second, took = await ready(world)
            assert took < 0.1
            assert second.service.warm_start.taken == len(second.service.memory) == 300
            world.tier.down = True
            assert {(await second.get(str(id))).tier for id in range(300)} == {"l1"}
            assert world.calls() == calls

    run(story())


def test_what_a_process_starts_with_is_hot_until_it_cools() -> None:
    """Else nothing would be kept ready after a restart before it was read twice."""

    async def story() -> None:
        async with World(HOME, refresh_budget=100.0) as world:
            await filled(world, 3)
            world.processes[0].running.cancel()
            await ready(world)
            calls = world.calls()
            await world.invalidate("user:1")
            await asyncio.sleep(0.2)
            assert world.calls() == calls + 1

    run(story())


def test_the_hottest_come_first_and_the_time_is_kept() -> None:
    """With half the time there are fewer, and they are those that are read most."""

    async def story(limit: str) -> int:
        async with World(HOME, warm_limit=limit) as world:
            await filled(world, 640)
            world.tier.latency = 0.1
            second, took = await ready(world)
            assert took == pytest.approx(float(limit[:-1]), abs=0.05)
            held = [second.service.memory.find(address(id)) is not None for id in range(640)]
            assert held == sorted(held, reverse=True)
            return sum(held)

    assert 0 < run(story("0.3s")) < run(story("0.6s")) < 640
    assert run(story("0s")) == 0


def test_l1_is_filled_and_not_turned_over() -> None:
    """What is less hot does not push out what is hotter."""

    async def story() -> None:
        async with World(HOME) as world:
            await filled(world, 640)
            world._settings["l1_bytes"] = "100KB"
            second, _ = await ready(world)
            held = [id for id in range(640) if second.service.memory.find(address(id))]
            assert 64 <= len(held) < 320
            assert sum(id < 64 for id in held) >= 32

    run(story())


def test_what_is_overtaken_expired_or_gone_is_not_taken() -> None:
    """It is checked as if a reader had asked for it."""

    async def story() -> None:
        async with World(HOME, OTHER) as world:
            first = await filled(world, 4)
            gone = HOME.key("aggregator", HOME.identity(Inputs({"id": "3"})))
            world.tier.blobs.drop(gone.name)
            await world.invalidate("user:1")
            for odd in (b"/elsewhere/1", b"", b" ", b" home /home/2", b"/home/%", b"/home/1/2", b"/other/5"):
                await world.hot.note([(odd, lasting(1_000.0, first.service._clock.now()))])
            second, _ = await ready(world)
            assert [second.service.memory.find(address(id)) is not None for id in range(4)] == [
                True,
                False,
                True,
                False,
            ]
            await asyncio.sleep(60.0)
            third, _ = await ready(world)
            assert len(third.service.memory) == 0

    run(story())


@pytest.mark.parametrize("away", ["list", "tier"])
def test_while_l2_is_away_a_start_waits_no_longer_than_it_may(away: str) -> None:
    """And when it is back in time, it is taken after all."""

    async def story() -> None:
        async with World(HOME) as world:
            await filled(world, 10)
            playing = world.hot if away == "list" else world.tier
            playing.down = True
            second, took = await ready(world)
            assert (took, len(second.service.memory)) == (pytest.approx(2.0, abs=0.05), 0)
            asyncio.get_running_loop().call_later(1.0, setattr, playing, "down", False)
            third, took = await ready(world)
            assert 1.0 < took < 1.4
            assert len(third.service.memory) == 10

    run(story())


def test_what_could_not_be_noted_is_noted_the_next_time() -> None:
    """An outage loses nothing of what is known still."""

    async def story() -> None:
        async with World(HOME) as world:
            world.hot.down = True
            await filled(world, 3)
            assert world.hot.scores == {}
            world.hot.down = False
            await asyncio.sleep(EVERY)
            assert list(world.hot.scores) == [address(0), address(1), address(2)]

    run(story())


def test_only_what_was_read_since_is_noted() -> None:
    """The rest has the score already that it would be given."""

    async def story() -> None:
        async with World(HOME) as world:
            first = await filled(world, 5)
            world.hot.scores.clear()
            first.service.reading.heat.note(address(4), 1, first.service._clock.now())
            await asyncio.sleep(EVERY)
            assert list(world.hot.scores) == [address(4)]

    run(story())


def test_who_is_forgotten_is_not_noted() -> None:
    """Though their view was read just before; once they are back, it is."""

    async def story() -> None:
        private = fragment("user", path=Template.parse("/user/{viewer.sub}"), tags=())
        async with World(Screen("mine", Route.parse("/mine"), (Slot("user", private),))) as world:
            for sub in ("anna", "bert"):
                world.put("user", {"sub": sub}, sub)
                await world.processes[0].ask(name="mine", values={"viewer.sub": sub})
            await world.invalidate("viewer:anna")
            await asyncio.sleep(EVERY)
            assert list(world.hot.scores) == [b"/mine 1 4:bert"]
            await world.processes[0].ask(name="mine", values={"viewer.sub": "anna"})
            await asyncio.sleep(EVERY + 1.0)
            assert set(world.hot.scores) == {b"/mine 1 4:anna", b"/mine 1 4:bert"}
            second, _ = await ready(world)
            assert second.service.warm_start.taken == 2

    run(story())


def test_a_lasting_score_compares_as_decayed_ones_do() -> None:
    """Of whatever times and processes; one that is not read does not change."""
    one, other = Heat(), Heat()
    one.note(b"/a", 8, 0.0)
    other.note(b"/b", 3, 2 * HALF_LIFE)
    a, b = (lasting(heat.of(name, at), at) for heat, name, at in ((one, b"/a", 0.0), (other, b"/b", 2 * HALF_LIFE)))
    assert a < b
    assert one.of(b"/a", 2 * HALF_LIFE) == pytest.approx(2.0)
    later = [lasting(one.of(b"/a", now), now) for now in (0.0, 60.0, 500.0)]
    assert all(x == pytest.approx(y) for x, y in pairwise(later))
    assert lasting(0.0, 1.0) == -inf
