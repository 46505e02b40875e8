"""Who reads their own write, which this process has applied, is given nothing older, whatever is allowed to others."""

import asyncio
from typing import Any

import orjson
import pytest

from aggregator.engine.answer import Answer, Refused
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.virtual_time import run
from tests.world import Process, World, fragment, screen

REFUSED = Failed(Reason.CONNECT, "refused")


async def read(process: Process, waited: float | None = 0.0) -> Answer | Refused | None:
    """What is said to who reads their own write, once it is applied."""
    return await process.service.screens.answer(
        process.service.catalogue.screens["home"], Inputs({"id": "42"}), None, waited
    )


async def value(process: Process, waited: float | None = 0.0) -> Any:
    answer = await read(process, waited)
    assert isinstance(answer, Answer), answer
    return orjson.loads(answer.view.body)["data"]["user"]


def home(**given: Any) -> Any:
    return screen(Slot("user", fragment("user", **given), required=True))


async def changed(world: World) -> Process:
    """It was 1, and is 2, and was invalidated in between."""
    [process] = world.processes
    world.put("user", 1)
    await process.get()
    await asyncio.sleep(0.1)
    world.put("user", 2)
    await world.invalidate("user:42")
    return process


def test_what_is_refreshed_behind_answers_is_waited_for() -> None:
    """Under on_invalidation = "refresh", from L1 and from what L2 holds of fragments."""

    async def play() -> None:
        swr = Lifetime(60.0, stale_while_revalidate=60.0)
        async with World(home(lifetime=swr, serves_overtaken=True)) as world:
            process = await changed(world)
            world.shops["user"].latency = 0.2
            assert await value(process, waited=None) == 1  # and L1 holds that, marked
            assert await value(process) == 2
        async with World(home(lifetime=swr, serves_overtaken=True)) as world:
            assert await value(await changed(world)) == 2

    run(play())


def test_what_was_overtaken_does_not_stand_in_for_a_failure() -> None:
    """Though serve_overtaken_on_error allows it for everybody else."""

    async def play() -> None:
        async with World(home(lifetime=Lifetime(60.0, overtaken_if_error=60.0))) as world:
            process = await changed(world)
            world.shops["user"].failure = REFUSED
            assert isinstance(await read(process), Refused)
            assert await value(process, waited=None) == 1

    run(play())


@pytest.mark.parametrize("held", ["stood in", "a part", "the view"])
def test_what_a_lost_log_left_unproven_is_not_given(held: str) -> None:
    """1. It changes, and the log is lost with the invalidation. 2. Its MBU fails. 3. What is held may stand in, marked,
    for everybody else."""

    async def play() -> None:
        async with World(home(lifetime=Lifetime(60.0, stale_if_error=60.0))) as world:
            [process] = world.processes
            world.put("user", 1)
            await process.get()
            await asyncio.sleep(0.1)
            world.log.flush()
            await asyncio.sleep(1)
            world.shops["user"].failure = REFUSED
            if held == "a part":
                process = await world.start()
            if held == "stood in":
                assert await value(process, waited=None) == 1
            assert isinstance(await read(process), Refused)
            assert await value(process, waited=None) == 1

    run(play())


def test_what_the_operator_trusts_unproven_is_not_given() -> None:
    """when_unproven = "serve" is for who asks for no position."""

    async def play() -> None:
        async with World(home(), when_unproven="serve") as world:
            [process] = world.processes
            world.put("user", 1)
            await process.get()
            await asyncio.sleep(0.1)
            world.put("user", 2)
            world.log.flush()
            await asyncio.sleep(1)
            assert await value(process, waited=None) == 1
            assert await value(process) == 2

    run(play())


def test_a_proved_answer_is_a_hit_and_one_past_its_time_stands_in() -> None:
    """Nothing is loaded for the position's sake alone; what expired and was not invalidated is not older."""

    async def play() -> None:
        async with World(home(lifetime=Lifetime(60.0, stale_if_error=600.0))) as world:
            [process] = world.processes
            world.put("user", 1)
            await process.get()
            answer = await read(process)
            assert isinstance(answer, Answer)
            assert (answer.tier, world.calls()) == ("l1", 1)
            await asyncio.sleep(61)
            world.shops["user"].failure = REFUSED
            assert await value(process) == 1

    run(play())


def test_the_wait_counts_towards_the_deadline() -> None:
    async def play() -> None:
        async with World(screen(Slot("user", fragment("user")), deadline=0.4)) as world:
            [process] = world.processes
            world.put("user", 1)
            world.shops["user"].latency = 0.3
            assert await value(process, waited=0.2) is None

    run(play())
