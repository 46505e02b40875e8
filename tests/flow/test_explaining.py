"""What is explained of an answer is what the next reader meets, and explaining leaves everything as it is."""

import asyncio
import random
from typing import Any

import pytest

from aggregator.engine.answer import Answer
from aggregator.model.position import Position, text_of
from aggregator.model.standing import UNPROVEN_FOR
from aggregator.tiers.memory import MemoryTier
from cache_policies.policy import Lifetime
from tests.scale import scale
from tests.virtual_time import run
from tests.world import Process, Slot, World, fragment, listing, reading, screen

LIFETIME = Lifetime(20.0, stale_while_revalidate=15.0, stale_if_error=60.0, overtaken_if_error=30.0)
FEED = Slot("feed", fragment("feed", lifetime=LIFETIME))
USER = Slot("user", fragment("user"), required=True)
LAZY = Slot("lazy", fragment("lazy", lifetime=LIFETIME, serves_overtaken=True))
OWNER = reading("owner", {"id": "feed.owner"}, fragment=fragment("person"))
ITEMS = listing("items", "feed.items[*]", fragment=fragment("item", lifetime=Lifetime(50.0)))


async def explain(process: Process, target: str = "/home/42", **given: str) -> Any:
    """What a process tells of its answer to a request."""
    return await process.service.answers["explain"]({"target": target, "given": given})


def fill(world: World) -> None:
    """What the MBUs answer."""
    for name in world.shops:
        world.put(name, {"owner": 7, "items": [1, 2]})
    for id in (1, 2, 7):
        for name in {"person", "item"} & world.shops.keys():
            world.put(name, {"v": id}, str(id))


def held(memory: MemoryTier) -> list[Any]:
    """All that L1 holds, and how each is."""
    return [
        (held.key, id(held), held.position, held.fresh_until, held.rest, held.head, dict(held.forms or {}))
        for held in memory._views.values()
    ]


async def act(world: World, draw: random.Random) -> None:
    """Let something happen."""
    match draw.randrange(8):
        case 0 | 1 | 2:
            tags = ["feed:42", "user:42", "lazy:42", "person:7", "item:1", "fragment:item", "screen:home", "*"]
            if not world.log.down:
                await world.invalidate(draw.choice(tags))
        case 3 | 4:
            await asyncio.sleep(draw.choice([0.31, 3.3, 7.7, 21.9]))
        case 5:
            world.log.down = draw.random() < 0.4
            await asyncio.sleep(2.9)
        case 6:
            world.tier.down = draw.random() < 0.3


def on_an_edge(told: Any) -> bool:
    """Is something about to stand otherwise, so that it may do so between being told and being read?"""
    if isinstance(told, list):
        return any(map(on_an_edge, told))
    if not isinstance(told, dict):
        return False
    ages = [told[name] for name in ("age", "ago") if name in told]
    edges = (UNPROVEN_FOR, 15.0, 20.0, 35.0, 50.0, 60.0)
    return any(0 <= edge - age < 0.05 for age in ages for edge in edges) or on_an_edge([*told.values()])


@pytest.mark.prove
@pytest.mark.timeout(590)
@pytest.mark.parametrize("trust", ["reload", "serve"])
def test_what_is_explained_is_what_the_next_reader_meets(trust: str) -> None:
    """Whatever was invalidated, went stale, or cannot be proved: the tier, and the slots that are loaded; and nothing
    is changed by having been told."""
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    draw = random.Random(seed)

    async def main() -> None:
        async with World(
            screen(FEED, USER, LAZY, OWNER, ITEMS),
            screen(USER, LAZY, name="card"),
            processes=2,
            when_unproven=trust,
            refresh_budget=0,
        ) as world:
            fill(world)
            for _ in range(scale(150, 5_000)):
                await act(world, draw)
                await asyncio.sleep(0.2)  # what goes on behind the last answer is over
                process = draw.choice(world.processes)
                name = draw.choice(["home", "card"])
                before = held(process.service.memory), dict(world.tier.blobs._kept), world.calls()
                told = await explain(process, f"/{name}/42")
                assert before == (held(process.service.memory), dict(world.tier.blobs._kept), world.calls())
                answer = await process.get(name=name)
                if on_an_edge(told):
                    continue
                if told["l2"]["standing"] == "unknown":
                    assert (told["from"] == "l1") == (answer.tier == "l1"), told
                else:
                    assert told["from"] == answer.tier, told
                    unknown = {slot["slot"] for slot in told["slots"] if slot["loads"] is None}
                    loaded = set(answer.loaded) if answer.tier == "mbu" else set(told["loads"])
                    assert set(told["loads"]) == loaded - unknown, told

    run(main())


def test_explaining_notes_no_use() -> None:
    """What would leave L1 first is the same with and without it."""

    async def main(explains: bool) -> list[bytes]:
        async with World(screen(USER), l1_eviction="lru") as world:
            [process] = world.processes
            for id in ("1", "2", "3"):
                world.put("user", {"v": id}, id)
                await process.get(id)
            for id in ("1", "2", "1"):
                if explains:
                    assert (await explain(process, f"/home/{id}"))["from"] == "l1"
            eviction = process.service.memory._eviction
            return [eviction.victim().key for _ in range(3)]

    assert run(main(explains=True)) == run(main(explains=False)) == [b"/home/1", b"/home/2", b"/home/3"]


def test_it_is_told_which_invalidation_overtook_what() -> None:
    async def main() -> None:
        async with World(screen(FEED, USER)) as world:
            fill(world)
            [process] = world.processes
            await process.get()
            await asyncio.sleep(1.0)
            await world.invalidate("user:42", "unrelated")
            first = text_of(process.service.ledger.head)
            await asyncio.sleep(2.0)
            await world.invalidate("user:42")
            told = await explain(process)
            assert told["l1"] == {"hit": False, "why": "not held", "held": False}
            assert told["l2"]["standing"] == "overtaken"
            [overtaken] = told["l2"]["overtaken_by"]
            assert (overtaken["tag"], overtaken["position"]) == ("user:42", first)
            assert overtaken["ago"] == pytest.approx(2.0, abs=0.1)
            feed, user = told["slots"]
            assert not feed["loads"]
            assert (feed["entries"][0]["standing"], feed["entries"][0]["overtaken_by"]) == ("fresh", [])
            assert (user["loads"], user["entries"][0]["standing"]) == (True, "overtaken")
            assert user["entries"][0]["overtaken_by"] == [overtaken]
            assert (told["from"], told["loads"]) == ("mbu", ["user"])

    run(main())


def test_a_view_that_every_one_of_its_kind_was_overtaken_with_is_told_as_such() -> None:
    """It is held still, under the barrier: the tag is all of its screen's."""

    async def main() -> None:
        async with World(screen(USER)) as world:
            fill(world)
            [process] = world.processes
            await process.get()
            await asyncio.sleep(1.0)
            hit = (await explain(process))["l1"]
            assert (hit["hit"], hit["why"], hit["below_barrier"]) == (True, "fresh, and proved current", False)
            assert hit["age"] == pytest.approx(1.0, abs=0.1)
            assert hit["fresh_for_another"] == pytest.approx(59.0, abs=0.1)
            assert hit["lifetime"]["fresh_for"] == 60.0
            # Applied, but not looked at: what is read is soon taken out, or composed anew.
            ledger, memory = process.service.ledger, process.service.memory
            position = Position(ledger.head + 1)
            ledger.apply(position, ["fragment:user"])
            memory.overtake("fragment:user", position)
            missed = (await explain(process))["l1"]
            assert (missed["hit"], missed["why"], missed["below_barrier"]) == (False, "overtaken", True)
            assert [one["tag"] for one in missed["overtaken_by"]] == ["fragment:user"]

    run(main())


def test_what_is_not_known_is_said() -> None:
    """Nothing is kept yet; later slots cannot be worked out; L2 is away."""

    async def main() -> None:
        async with World(screen(FEED, OWNER)) as world:
            fill(world)
            [process] = world.processes
            told = await explain(process)
            feed, owner = told["slots"]
            assert (told["from"], told["loads"], told["l2"]["standing"]) == ("mbu", ["feed"], "missing")
            assert feed["entries"][0]["standing"] == "missing"
            assert (owner["entries"], owner["loads"]) == ([], None)
            assert owner["why"] == "what it needs is told by feed, which L2 does not hold"
            world.tier.down = True
            told = await explain(process)
            assert told["l2"]["why"] == "the local tier plays an outage"
            assert (told["from"], told["l2"]["standing"], told["slots"]) == ("mbu", "unknown", [])
            assert await explain(process, "/nowhere") == {
                "refused": 404,
                "detail": "No screen has the path of this target.",
            }
            assert world.calls() == 0

    run(main())


def test_a_hit_that_cannot_be_proved_is_told_as_none() -> None:
    async def main() -> None:
        async with World(screen(USER)) as world:
            fill(world)
            [process] = world.processes
            await process.get()
            world.log.down = True
            await asyncio.sleep(5.0)
            told = await explain(process)
            assert not told["log"]["vouching"]
            assert told["l1"]["why"] == "this worker cannot prove that it is at the head of the log"
            assert told["slots"][0]["entries"][0]["standing"] == "unproven"
            assert isinstance(answer := await process.ask(), Answer)
            assert answer.tier == told["from"] == "mbu"

    run(main())
