"""Those who began loads go away: nobody who stays is the worse for it."""

import asyncio

import orjson
import pytest

from aggregator.model.screen import Slot
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

HOME = screen(Slot("user", fragment("user"), required=True))
IDS = [str(number) for number in range(1_000)]
HERDS, HERD = scale(5, 100), 1_000


@pytest.mark.parametrize("deadline", [None, 10.0])
def test_r15_a_thousand_that_began_loads_leave_and_those_who_wait_have_their_answers(deadline: float | None) -> None:
    """Each load is made once, answers who came second, and is in L2 for another process; on both ways to wait for it,
    by a callback, and by a task where the screen has a deadline."""
    home = screen(*HOME.slots, deadline=deadline)

    async def story() -> None:
        async with World(home, processes=2, max_waiters=2 * len(IDS)) as world:
            first, second = world.processes
            for id in IDS:
                world.put("user", id, id)
            leavers = [asyncio.create_task(first.get(id)) for id in IDS]
            await asyncio.sleep(0.005)
            stayers = [asyncio.create_task(first.data(id)) for id in IDS]
            await asyncio.sleep(0.005)
            for leaver in leavers:
                leaver.cancel()
            assert await asyncio.gather(*stayers) == [{"user": id} for id in IDS]
            assert all(leaver.cancelled() for leaver in leavers)
            await asyncio.sleep(0.1)
            for id in IDS:
                answer = await second.get(id)
                assert (answer.tier, orjson.loads(answer.view.body)) == ("l2", {"data": {"user": id}})
            assert set(world.shops["user"].calls.values()) == {1}
            assert world.calls() == len(IDS)

    run(story())


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("l2_away", [False, True])
def test_r11_herds_on_cold_keys_are_one_load_each(l2_away: bool) -> None:
    """A thousand at once on each of five keys at a time; in full a hundred keys. Also where no lease holds a herd."""

    async def story() -> None:
        async with World(HOME) as world:
            world.tier.down = l2_away
            [process] = world.processes
            for start in range(0, HERDS, 5):
                ids = [str(number) for number in range(start, start + 5)]
                for id in ids:
                    world.put("user", id, id)
                answers = await asyncio.gather(*(process.get(id) for id in ids for _ in range(HERD)))
                assert {answer.state for answer in answers} == {"fresh"}
                assert {answer.view.digest for answer in answers[:HERD]} == {answers[0].view.digest}
            assert world.shops["user"].calls == {f"/user/{number}": 1 for number in range(HERDS)}

    run(story())
