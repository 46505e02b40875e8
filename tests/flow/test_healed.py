"""Once what was wrong has healed, nothing of it is served: an MBU's failures, a missing part, damaged bytes in L2."""

import asyncio
import random

import orjson
import pytest

from aggregator.engine.answer import Answer
from aggregator.model.screen import Slot
from loaders.loader import Absent, Failed, Loaded, LoadRequest, Outcome, Reason
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

PARTS = tuple(f"part{number}" for number in range(8))
HOME = screen(*(Slot(name, fragment(name)) for name in PARTS))
CARD = screen(Slot("user", fragment("user"), required=True), name="card")
VALUES = scale(500, 10_000)


@pytest.fixture
def chance() -> random.Random:
    """Its seed is printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


def test_r19_failures_and_absences_are_no_truth_once_the_mbu_is_well(chance: random.Random) -> None:
    """For a minute three of ten answers are 500, 404 or none; `absent_for` (5 s) after that all are right."""
    failures = (Failed(Reason.STATUS, "answered 500"), Absent(), Failed(Reason.DEADLINE, "late"))

    def odd(request: LoadRequest) -> Outcome:
        return chance.choice(failures) if chance.random() < 0.3 else Loaded(b"1")

    async def story() -> None:
        async with World(CARD, processes=2) as world:
            world.shops["user"].answer = odd
            for _ in range(600):
                await chance.choice(world.processes).ask(str(chance.randrange(50)), "card")
                await asyncio.sleep(0.1)
            world.shops["user"].answer = lambda _: Loaded(b"1")
            await asyncio.sleep(5.0)
            for id in map(str, range(50)):
                for process in world.processes:
                    assert await process.data(id, "card") == {"user": 1}

    run(story())


def test_r20_a_screen_is_whole_again_two_seconds_after_its_missing_part_is(chance: random.Random) -> None:
    """One MBU of eight is down for 30 s: every answer says so, and L2 keeps no view without it."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            for name in PARTS:
                world.put(name, name)
            down = world.shops[chance.choice(PARTS)]
            down.failure = Failed(Reason.CONNECT, "nobody listens")
            until = world.time() + 30.0
            while world.time() < until:
                answer = await chance.choice(world.processes).get()
                assert answer.state == "incomplete"
                assert len(orjson.loads(answer.view.body)["errors"]) == 1
                assert not any(":view:" in name for name in world.tier.blobs)
                await asyncio.sleep(0.1)
            down.failure = None
            await asyncio.sleep(2.0)
            for process in world.processes:
                assert await process.data() == {name: name for name in PARTS}

    run(story())


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_r37_damaged_bytes_in_l2_are_loaded_again_and_replaced(chance: random.Random) -> None:
    """A random byte of each stored value is another: no answer is wrong or fails, each is loaded once and is then
    right in L2."""

    async def story() -> None:
        async with World(CARD, processes=3) as world:
            maker, reader, other = world.processes
            for id in map(str, range(VALUES // 2)):
                world.put("user", id, id)
                before = set(world.tier.blobs)
                await maker.get(id, "card")
                await asyncio.sleep(0.01)
                stored = set(world.tier.blobs) - before
                assert len(stored) == 2
                for name in stored:
                    blob = bytearray(world.tier.blobs.get(name) or b"")
                    blob[chance.randrange(len(blob))] ^= chance.randint(1, 255)
                    world.tier.blobs.set(name, bytes(blob), 60.0)
                calls = world.calls()
                answer = await reader.ask(id, "card")
                assert isinstance(answer, Answer)
                assert (answer.tier, orjson.loads(answer.view.body)) == ("mbu", {"data": {"user": id}})
                assert world.calls() == calls + 1
                await asyncio.sleep(0.01)
                assert (await other.get(id, "card")).tier == "l2"

    run(story())
