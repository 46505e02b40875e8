"""Expired, and still of use: revalidated behind the answer, refreshed before it expires."""

import asyncio

from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.virtual_time import run
from tests.world import World, fragment, screen

SWR = screen(
    Slot("user", fragment("user", lifetime=Lifetime(1.0, stale_while_revalidate=10.0)), required=True),
    Slot("posts", fragment("posts")),
)


def test_stale_while_revalidate_answers_at_once_and_loads_behind() -> None:
    """The expired view is served, marked stale, without waiting; one load later it is fresh again, in L1."""

    async def story() -> None:
        async with World(SWR) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.put("user", 2)
            await asyncio.sleep(1.1)
            began = world.time()
            answers = [await process.get() for _ in range(3)]
            assert [(answer.tier, answer.state) for answer in answers] == [("l1", "stale")] * 3
            assert world.time() == began
            await asyncio.sleep(0.1)
            answer = await process.get()
            assert (answer.tier, answer.state, answer.view.body) == ("l1", "fresh", b'{"data":{"user":2,"posts":null}}')
            assert world.shops["user"].calls.total() == 2

    run(story())


def test_a_process_without_the_view_serves_the_stale_fragment_too() -> None:
    """A stale fragment of L2 is served at once by another process, which revalidates it behind."""

    async def story() -> None:
        async with World(SWR, processes=2) as world:
            world.put("user", 1)
            first, second = world.processes
            await first.get()
            await asyncio.sleep(1.1)
            assert (await second.get()).state == "stale"
            await asyncio.sleep(0.1)
            assert (await second.get()).state == "fresh"
            assert world.shops["user"].calls.total() == 2

    run(story())


def test_r50_a_failed_revalidation_keeps_the_stale_view_to_its_bound() -> None:
    """While the MBU fails the stale view goes on being served, asked for once a second at most; then it ends."""

    async def story() -> None:
        async with World(SWR) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.shops["user"].failure = Failed(Reason.STATUS, "answered 500")
            await asyncio.sleep(1.5)
            for _ in range(30):
                assert (await process.get()).state == "stale"
                await asyncio.sleep(0.1)
            assert world.shops["user"].calls.total() <= 5
            await asyncio.sleep(10)
            answer = await process.ask()
            assert answer is not None
            assert answer.state == "failed"

    run(story())


def test_a_stale_part_is_revalidated_beside_a_failed_one() -> None:
    """That another optional part fails does not keep a stale one from being loaded behind the answer."""

    async def story() -> None:
        async with World(SWR) as world:
            world.put("user", 1)
            world.shops["posts"].failure = Failed(Reason.STATUS, "answered 500")
            [process] = world.processes
            await process.get()
            await asyncio.sleep(1.5)
            world.put("user", 2)
            await process.get()
            await asyncio.sleep(1.5)
            assert (await process.data())["user"] == 2

    run(story())


def test_what_was_overtaken_meanwhile_is_not_for_the_client_to_keep() -> None:
    """One part is invalidated while another is loaded: the answer may hold the old one, and says nothing of keeping."""
    home = screen(Slot("user", fragment("user")), Slot("posts", fragment("posts")), client_max_age=600.0)

    async def story() -> None:
        async with World(home) as world:
            world.put("user", 1)
            world.put("posts", 1)
            world.shops["posts"].latency = 0.3
            asking = asyncio.create_task(world.processes[0].get())
            await asyncio.sleep(0.1)
            await world.invalidate("user:42")
            answer = await asking
            assert answer.view.whole
            assert not answer.whole

    run(story())


def test_a_hot_view_is_refreshed_before_it_expires() -> None:
    """With an unlucky draw the refresh comes before expiry, behind an answer that is still fresh."""
    home = screen(Slot("user", fragment("user", lifetime=Lifetime(10.0), early_refresh=1.0), required=True))

    async def story() -> None:
        async with World(home) as world:
            [process] = world.processes
            world.put("user", 1)
            world.shops["user"].latency = 0.4
            object.__setattr__(process.service.screens._known, "draw", lambda: 0.01)
            await process.get()
            world.put("user", 2)
            # 0.4 s to load, times -ln(0.01) = 4.6: from 1.84 s before expiry on.
            await asyncio.sleep(7.0)
            assert (await process.get()).state == "fresh"
            await asyncio.sleep(0.5)
            assert world.calls() == 1
            await asyncio.sleep(1.0)
            assert (await process.get()).state == "fresh"
            await asyncio.sleep(0.5)
            assert world.calls() == 2
            assert await process.data() == {"user": 2}

    run(story())


def test_a_hot_view_is_refreshed_before_it_expires_and_a_cold_one_is_not() -> None:
    """Chance is fixed at 0.5 here, so that XFetch has it due a little before its end."""
    eager = screen(Slot("user", fragment("user", lifetime=Lifetime(10.0), early_refresh=50.0)))

    async def story() -> None:
        async with World(eager, draw=lambda: 0.5) as world:
            [process] = world.processes
            for id, reads in (("hot", 3), ("cold", 1)):
                world.put("user", {"v": 1}, id)
                for _ in range(reads):
                    await process.get(id)
            await asyncio.sleep(9.8)
            for id in ("hot", "cold"):
                assert (await process.get(id)).state == "fresh"
            await asyncio.sleep(0.1)
            assert world.shops["user"].calls == {"/user/hot": 2, "/user/cold": 1}

    run(story())


def test_a_hot_view_is_refreshed_a_declared_time_before_it_expires() -> None:
    """However quick its MBU is."""
    eager = screen(Slot("user", fragment("user", lifetime=Lifetime(10.0), refresh_before=3.0)))

    async def story() -> None:
        async with World(eager) as world:
            [process] = world.processes
            world.put("user", {"v": 1})
            for pause in (0.0, 1.0, 5.8):
                await asyncio.sleep(pause)
                await process.get()
            await asyncio.sleep(0.1)
            assert world.shops["user"].calls.total() == 1
            await asyncio.sleep(0.4)
            assert (await process.get()).state == "fresh"
            await asyncio.sleep(0.1)
            assert world.shops["user"].calls.total() == 2

    run(story())
