"""Without proof to be at the head of the log nothing is vouched for, and every answer says so."""

import asyncio

import orjson
import pytest

from aggregator.engine.answer import Answer
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.virtual_time import run
from tests.world import World, fragment, screen

KEPT = Lifetime(3_600.0, stale_if_error=3_600.0)
HOME = screen(Slot("user", fragment("user", lifetime=KEPT), required=True))


def cut(world: World) -> None:
    """Redis is away, for data and log alike."""
    world.tier.down = world.log.down = True


def mend(world: World) -> None:
    """Redis is back, with what it had."""
    world.tier.down = world.log.down = False


def test_r05_l1_is_distrusted_within_two_seconds() -> None:
    """No more than 2 s after the log went away the view is loaded again, and marked."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            cut(world)
            world.put("user", 2)
            await asyncio.sleep(2.01)
            answer = await process.get()
            assert (answer.state, answer.view.body) == ("unproven", b'{"data":{"user":2}}')

    run(story())


def test_an_unproven_answer_is_kept_for_two_seconds() -> None:
    """While the log is away a hot screen costs its MBUs one load each two seconds."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            cut(world)
            await asyncio.sleep(3)
            [process] = world.processes
            for _ in range(100):
                assert (await process.get()).state == "unproven"
                await asyncio.sleep(0.1)
            assert 4 <= world.calls() <= 6

    run(story())


def test_the_old_answer_stands_in_where_the_mbu_fails_too() -> None:
    """Log away and MBU down: the held view, marked; within stale_if_error only."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            cut(world)
            world.shops["user"].failure = Failed(Reason.CONNECT, "refused")
            await asyncio.sleep(10)
            answer = await process.get()
            assert (answer.state, orjson.loads(answer.view.body)) == ("unproven", {"data": {"user": 1}})
            await asyncio.sleep(7_300)
            refused = await process.ask()
            assert refused is not None
            assert refused.state == "failed"

    run(story())


def test_r05_it_is_right_again_by_itself() -> None:
    """When the log is back it is vouched for again within a second, and what was invalidated meanwhile is gone."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            world.put("user", 1)
            first, second = world.processes
            await first.get()
            await second.get()
            world.log.down = True
            await asyncio.sleep(5)
            mend(world)
            world.put("user", 2)
            await world.log.append(["user:42"])
            await asyncio.sleep(1.0)
            for process in (first, second):
                answer = await process.get()
                assert (answer.state, answer.view.body) == ("fresh", b'{"data":{"user":2}}')

    run(story())


def test_an_untouched_view_survives_the_outage() -> None:
    """What was not invalidated while the log was away is an L1 hit again afterwards: nothing is flushed."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.log.down = True
            await asyncio.sleep(5)
            mend(world)
            await asyncio.sleep(1.0)
            assert ((await process.get()).tier, world.calls()) == ("l1", 1)

    run(story())


def test_r09_an_emptied_redis_proves_nothing_of_before() -> None:
    """After FLUSHALL what L1 holds is loaded again, though no invalidation of it can be read any more."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.put("user", 2)
            world.log.flush()
            await asyncio.sleep(2.1)
            answer = await process.get()
            assert (answer.state, answer.view.body) == ("fresh", b'{"data":{"user":2}}')

    run(story())


def test_a_load_that_an_epoch_ended_under_is_kept_by_nobody() -> None:
    """Redis is emptied while an answer is under way, and with it an invalidation of that answer: it is given to who
    asked before, and is not taken for current in the new epoch."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            world.shops["user"].latency = 0.4
            [process] = world.processes
            await asyncio.sleep(0.3)
            old = asyncio.create_task(process.data())
            await asyncio.sleep(0.05)
            world.put("user", 2)
            await world.log.append(["user:42"])
            world.log.flush()
            assert await old == {"user": 1}
            assert process.service.follower.epochs == 2
            assert await process.data() == {"user": 2}

    run(story())


def test_what_stands_in_from_a_lost_epoch_is_unproven() -> None:
    """The log was emptied and the MBU fails: the old view is used, and not as if it had only expired."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.tier.down = True
            world.shops["user"].failure = Failed(Reason.CONNECT, "refused")
            world.log.flush()
            await asyncio.sleep(2.1)
            assert process.service.health().vouching
            assert (await process.get()).state == "unproven"

    run(story())


def test_a_lost_record_is_a_gap() -> None:
    """A record that vanished unread makes everything older unproven, in L1 and L2."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.put("user", 2)
            world.log.lose_next = 1
            await world.log.append(["user:42"])
            await asyncio.sleep(2.1)
            assert await process.data() == {"user": 2}
            assert process.service.follower.gaps == 1

    run(story())


def test_an_answer_of_another_process_lives_no_longer_without_proof() -> None:
    """What L2 holds is used for 2 s from its load, not from when it was taken over."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            first, second = world.processes
            world.put("user", 1)
            world.log.down = True
            await asyncio.sleep(3)
            await first.get()
            await asyncio.sleep(1.9)
            assert (await second.get()).tier == "l2"
            await asyncio.sleep(0.2)
            assert (await second.get()).tier == "mbu"

    run(story())


def test_serving_without_proof_ends_with_freshness() -> None:
    """`when_unproven = "serve"` makes nothing of what has expired: its MBU is asked."""
    home = screen(Slot("user", fragment("user", lifetime=Lifetime(5.0, stale_if_error=600.0)), required=True))

    async def story() -> None:
        async with World(home, when_unproven="serve") as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            world.log.down = True
            world.put("user", 2)
            await asyncio.sleep(60)
            assert (await process.get()).view.body == b'{"data":{"user":2}}'

    run(story())


def test_the_operator_may_choose_to_serve() -> None:
    """`when_unproven = "serve"`: what is held is served to the end of its lifetime, marked, and no MBU is asked."""

    async def story() -> None:
        async with World(HOME, when_unproven="serve") as world:
            world.put("user", 1)
            [process] = world.processes
            await process.get()
            cut(world)
            await asyncio.sleep(60)
            answer = await process.get()
            assert isinstance(answer, Answer)
            assert (answer.state, answer.tier, world.calls()) == ("unproven", "l1", 1)

    run(story())


@pytest.mark.parametrize("limit", [1.0, 10.0])
def test_it_starts_without_the_log(limit: float) -> None:
    """Ready at the start-up limit with everything unproven, rather than never."""

    async def story() -> None:
        async with World(HOME, processes=0) as world:
            world.put("user", 1)
            cut(world)
            world._settings["startup_limit"] = f"{limit:g}s"
            process = await world.start()
            await asyncio.sleep(limit - 0.1)
            assert not process.service.health().ready
            await asyncio.sleep(0.2)
            assert process.service.health().ready
            assert (await process.get()).state == "unproven"

    run(story())
