"""An MBU that reads from a replica answers old data for a while after its invalidation; `settle` asks it once more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from aggregator.model.entry import REVALIDATED_WITHIN
from aggregator.model.fragment import Fragment
from cache_policies.policy import Lifetime
from loaders.loader import Loaded, LoadRequest, NotModified, Outcome
from tests.virtual_time import run
from tests.world import Shop, Slot, World, conditions, fragment, screen

LAG, SETTLE, LATENCY = 0.2, 0.3, 0.02
STALE = Lifetime(60.0, stale_while_revalidate=30.0, stale_if_error=600.0)


class Replica(Shop):
    """An MBU that says, with an ETag, what had been committed `LAG` seconds before it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.committed: list[tuple[float, int]] = []
        self.answer = self.read

    def commit(self, value: int) -> None:
        """What the primary says from now on."""
        self.committed.append((asyncio.get_running_loop().time(), value))

    def read(self, request: LoadRequest) -> Outcome:
        """What the replica says."""
        until = asyncio.get_running_loop().time() - LAG
        value = [value for at, value in self.committed if at <= until][-1]
        headers = {"etag": f'"{value}"'}
        if conditions(request).get("if-none-match") == headers["etag"]:
            return NotModified(headers)
        return Loaded(orjson.dumps(value), headers)

    @property
    def asked(self) -> int:
        """Loads so far."""
        return self.calls.total()


@asynccontextmanager
async def _lagging(
    part: Fragment, *beside: Slot, settle: float = SETTLE, **more: Any
) -> AsyncIterator[tuple[World, Replica]]:
    """A world whose view was loaded long after its log began, and whose MBU says 1."""
    world, replica = World(screen(Slot("part", part), *beside), **more), Replica()
    mbus = {**world.catalogue.mbus, "part": replace(world.catalogue.mbus["part"], settle=settle)}
    world.catalogue, world.shops["part"] = replace(world.catalogue, mbus=mbus), replica
    async with world:
        replica.commit(1)
        await asyncio.sleep(1.0)
        for process in world.processes:
            assert (await process.data())["part"] == 1
        await asyncio.sleep(0.1)
        assert replica.asked == 1
        yield world, replica


async def _changed(world: World, replica: Replica) -> float:
    """The MBU commits 2, and then publishes; gives when."""
    replica.commit(2)
    await world.invalidate("part:42")
    return world.time() - 0.01


async def _heat(world: World) -> None:
    """Read the view often enough to be hot; what is read is counted within a second."""
    for process in world.processes * 3:
        await process.get()
    await asyncio.sleep(1.1)


@pytest.mark.parametrize(("settle", "shown", "loads"), [(SETTLE, 2, 3), (0.0, 1, 2)])
@pytest.mark.parametrize("processes", [1, 2])
def test_what_an_invalidation_caused_to_be_loaded_is_loaded_once_more(
    settle: float, shown: int, loads: int, processes: int
) -> None:
    """Without `settle` the old one stays, which shows that there is something to be seen."""

    async def play() -> None:
        async with _lagging(fragment("part"), settle=settle, processes=processes) as (world, replica):
            changed = await _changed(world, replica)
            while world.time() < changed + SETTLE - 0.001:
                answers = [await process.get() for process in world.processes]
                assert {answer.view.body for answer in answers} == {b'{"data":{"part":1}}'}
                assert all(answer.ttl <= SETTLE for answer in answers) or not settle
                await asyncio.sleep(0.01)
            assert replica.asked == 2
            await asyncio.sleep(max(0.0, changed + SETTLE - world.time()))
            for _ in range(50):
                assert [await process.data() for process in world.processes] == [{"part": shown}] * processes
                await asyncio.sleep(1.0)
            assert replica.asked == loads

    run(play())


@pytest.mark.parametrize("tags", [(), ("part:43", "other")])
def test_nothing_is_loaded_once_more_where_nothing_of_it_was_invalidated(tags: tuple[str, ...]) -> None:
    async def play() -> None:
        async with _lagging(fragment("part", lifetime=Lifetime(5.0))) as (world, replica):
            await asyncio.sleep(5.0)
            if tags:
                await world.invalidate(*tags)
            for _ in range(40):
                await world.processes[0].get()
                await asyncio.sleep(0.1)
            assert replica.asked == 2  # it has expired

    run(play())


@pytest.mark.parametrize("budget", [0.0, 100.0])
@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_is_refreshed_early_while_it_settles(processes: int, budget: float) -> None:
    """However early the fragment, or what is dear beside it, is to be refreshed: it would be loaded from the lagging
    replica again and again."""
    eager = fragment("part", early_refresh=100.0, refresh_before=20.0)

    async def play() -> None:
        more = {"processes": processes, "refresh_budget": budget, "draw": lambda: 0.5}
        async with _lagging(eager, Slot("dear", fragment("dear")), **more) as (world, replica):
            world.shops["dear"].latency = 0.4
            world.put("dear", 0)
            await world.invalidate("dear:42")
            await _heat(world)
            changed = await _changed(world, replica)
            while world.time() < changed + SETTLE - 0.01:
                for process in world.processes:
                    await process.get()
                await asyncio.sleep(0.005)
            assert replica.asked == 2
            await asyncio.sleep(0.1)
            for process in world.processes:
                assert await process.data() == {"part": 2, "dear": 0}
            assert replica.asked == 3

    run(play())


@pytest.mark.parametrize("settle", [0.21, 0.3, 0.37, 0.5, 0.77, 1.3])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_hot_view_is_there_again_before_it_is_read(settle: float, processes: int) -> None:
    """Both times: right after the invalidation, and once it has settled."""

    async def play() -> None:
        part = fragment("part")
        async with _lagging(part, settle=settle, refresh_budget=100.0, processes=processes) as (world, replica):
            await _heat(world)
            changed = await _changed(world, replica)
            await asyncio.sleep(changed + settle + 2 * LATENCY - world.time())
            assert replica.asked == 3
            answers = [await process.get() for process in world.processes]
            assert {(answer.state, answer.view.body) for answer in answers} == {("fresh", b'{"data":{"part":2}}')}
            assert replica.asked == 3

    run(play())


@pytest.mark.parametrize("refresh", [False, True])
def test_a_hot_view_that_is_invalidated_while_it_settles_is_there_again_at_once(refresh: bool) -> None:
    """That it is to be composed once more when it has settled is no reason to wait for that."""

    async def play() -> None:
        part = fragment("part", lifetime=STALE, serves_overtaken=refresh)
        async with _lagging(part, settle=30.0, refresh_budget=100.0) as (world, replica):
            await _heat(world)
            for loads in (2, 3):
                await asyncio.sleep(1.0)
                await _changed(world, replica)
                await asyncio.sleep(2 * LATENCY)
                answer = await world.processes[0].get()
                assert (answer.tier, answer.state, replica.asked) == ("l1", "fresh", loads)

    run(play())


def test_a_hot_view_that_l1_does_not_hold_is_loaded_before_it_is_read_too() -> None:
    """What its reader had composed is composed once more without one."""

    async def play() -> None:
        async with _lagging(fragment("part"), refresh_budget=100.0, l1_bytes="1B") as (world, replica):
            await _heat(world)
            await _changed(world, replica)
            assert (await world.processes[0].get()).tier == "mbu"
            await asyncio.sleep(1.0)
            assert replica.asked == 3
            assert (await world.processes[0].get()).tier == "l2"

    run(play())


def test_what_has_settled_is_good_for_its_whole_lifetime_though_nothing_had_changed() -> None:
    """No 304 renews what was granted for so short a time."""

    async def play() -> None:
        async with _lagging(fragment("part")) as (world, replica):
            await world.invalidate("part:42")
            for _ in range(int(REVALIDATED_WITHIN) - 10):
                await world.processes[0].get()
                await asyncio.sleep(1.0)
            assert replica.asked == 3

    run(play())


@pytest.mark.parametrize(("refresh", "state"), [(False, "fresh"), (True, "stale")])
def test_then_the_old_one_is_served_only_where_the_fragment_serves_what_was_invalidated(
    refresh: bool, state: str
) -> None:
    """`stale_while_revalidate` alone is no leave to; with `on_invalidation = "refresh"` it is served, marked."""

    async def play() -> None:
        part = fragment("part", lifetime=STALE, serves_overtaken=refresh)
        async with _lagging(part) as (world, replica):
            [process] = world.processes
            changed = await _changed(world, replica)
            await process.get()
            await asyncio.sleep(0.1)
            await process.get()
            await asyncio.sleep(changed + SETTLE + 0.01 - world.time())
            answer = await process.get()
            assert (answer.state, answer.view.body) == (state, b'{"data":{"part":%d}}' % (1 if refresh else 2))
            await asyncio.sleep(0.1)
            assert (await process.get()).state == "fresh"
            assert await process.data() == {"part": 2}
            assert replica.asked == 3

    run(play())
