"""A view that L2 does not hold: its parts are looked for and claimed in one step, and what is found is used as ever."""

import asyncio

import pytest

from aggregator.engine.answer import Answer
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from tests.virtual_time import run
from tests.world import Process, World, fragment, screen

SHARED = fragment("user", lifetime=Lifetime(5.0, stale_while_revalidate=30.0))
HOME = screen(Slot("user", SHARED))
CARD = screen(Slot("user", SHARED), Slot("posts", fragment("posts")), name="card")


async def ask_home(world: World) -> Process:
    """A process that has loaded the fragment which both screens share."""
    world.put("user", {"n": 1})
    world.put("posts", [])
    await world.processes[0].get()
    await asyncio.sleep(0.1)
    return world.processes[0]


def test_what_another_screen_loaded_is_not_loaded_again() -> None:
    """Its fragment is found by the claim."""

    async def main() -> None:
        async with World(HOME, CARD) as world:
            process = await ask_home(world)
            assert (await process.get(name="card")).loaded == ("posts",)
            assert world.shops["user"].calls["/user/42"] == 1

    run(main())


def test_what_is_stale_but_may_be_served_is_served_and_renewed_behind() -> None:
    """As if it had been read."""

    async def main() -> None:
        async with World(HOME, CARD) as world:
            process = await ask_home(world)
            await asyncio.sleep(6)
            world.put("user", {"n": 2})
            answer = await process.get(name="card")
            assert (answer.stale, answer.view.body) == (True, b'{"data":{"user":{"n":1},"posts":[]}}')
            await asyncio.sleep(0.2)
            assert (await process.data(name="card"))["user"] == {"n": 2}

    run(main())


@pytest.mark.parametrize("askers", [1, 20])
def test_what_was_overtaken_is_loaded_once_for_all(askers: int) -> None:
    """Nobody goes on from what was found, and nobody loads beside another."""

    async def main() -> None:
        async with World(HOME, CARD) as world:
            process = await ask_home(world)
            world.put("user", {"n": 2})
            await world.invalidate("user:42")
            answers = await asyncio.gather(*(process.ask(name="card") for _ in range(askers)))
            assert {one.view.body for one in answers if isinstance(one, Answer)} == {
                b'{"data":{"user":{"n":2},"posts":[]}}'
            }
            assert len(answers) == askers
            assert world.shops["user"].calls["/user/42"] == 2

    run(main())


def test_a_cold_view_reads_l2_once_before_its_mbus_are_asked() -> None:
    """The view; its fragments are claimed unread."""

    async def main() -> None:
        async with World(HOME, CARD) as world:
            world.put("user", 1)
            world.put("posts", 1)
            began = world.time()
            await world.processes[0].get(name="card")
            travel, mbu = world.tier.latency, world.shops["user"].latency
            assert world.time() - began == pytest.approx(2 * travel + mbu)

    run(main())
