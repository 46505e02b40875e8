"""The ladder of a slot: fresh, stale within its bound, another fragment, a literal, null; or the screen fails."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from aggregator.engine.answer import Answer, Refused
from aggregator.model.fragment import Fragment
from aggregator.model.screen import Slot
from aggregator.model.template import Template
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Loaded, Reason
from tests.virtual_time import run
from tests.world import World, fragment, listing, screen

DOWN = Failed(Reason.CONNECT, "down")
MAIN = fragment("main", lifetime=Lifetime(5.0, 0.0, 60.0))
OTHER = fragment("other")
OVERTAKEN = fragment("main", lifetime=Lifetime(60.0, 0.0, 0.0, overtaken_if_error=600.0))


def states(answer: Answer | Refused) -> dict[str, str]:
    """The state of each slot."""
    return {slot.name: slot.state for slot in answer.slots}


async def fail(world: World, name: str = "main") -> None:
    """From now on the MBU fails; what was met of it is over."""
    world.shops[name].failure = DOWN
    await asyncio.sleep(1.1)


def test_every_step_of_the_ladder_is_taken_in_turn() -> None:
    """What stands in is told, its error stays, and nobody keeps the answer as whole."""

    async def main() -> None:
        slot = Slot("main", MAIN, fallback_fragment=OTHER, fallback=b'{"none":1}', required=True)
        async with World(screen(slot)) as world:
            process = world.processes[0]
            world.put("main", "fresh")
            world.put("other", "other")
            assert (await process.data(), states(await process.get())) == ({"main": "fresh"}, {"main": "fresh"})
            world.shops["main"].failure = DOWN
            await asyncio.sleep(6)
            assert (await process.data(), states(await process.get())) == ({"main": "fresh"}, {"main": "stale"})
            await asyncio.sleep(61)
            stood_in = await process.get()
            assert (await process.data(), states(stood_in)) == ({"main": "other"}, {"main": "fallback"})
            assert not stood_in.whole
            assert [one["pointer"] for one in orjson.loads(stood_in.view.body)["errors"]] == ["/main"]
            world.shops["other"].failure = DOWN
            await asyncio.sleep(61)
            assert (await process.data(), states(await process.get())) == ({"main": {"none": 1}}, {"main": "fallback"})
            world.shops["main"].failure = None
            await asyncio.sleep(1.1)
            assert (await process.get()).whole

    run(main())


@pytest.mark.parametrize("required", [False, True])
def test_without_anything_to_stand_in_it_is_null_or_the_screen_fails(required: bool) -> None:
    """As the slot says."""

    async def main() -> None:
        async with World(screen(Slot("main", MAIN, required=required), Slot("other", OTHER))) as world:
            world.shops["main"].failure = DOWN
            world.put("other", 1)
            answer = await world.processes[0].ask()
            assert isinstance(answer, Refused if required else Answer)
            assert states(answer) == {"main": "failed", "other": "fresh"}

    run(main())


@pytest.mark.parametrize("absent", [False, True])
def test_a_fragment_that_has_nothing_does_not_stand_in(absent: bool) -> None:
    """The next step does."""

    async def main() -> None:
        async with World(screen(Slot("main", MAIN, fallback_fragment=OTHER, fallback=b"0"))) as world:
            world.shops["main"].failure = DOWN
            if not absent:
                world.put("other", 1)
            assert await world.processes[0].data() == {"main": 0 if absent else 1}

    run(main())


def test_what_stands_in_is_what_others_read() -> None:
    """A list of nothing is a list."""

    async def main() -> None:
        feed = Slot("feed", MAIN, fallback=b'{"items":[7]}')
        async with World(screen(feed, listing("other", "feed.items[*]"))) as world:
            world.shops["main"].failure = DOWN
            world.put("other", "seven", id="7")
            assert await world.processes[0].data() == {"feed": {"items": [7]}, "other": ["seven"]}

    run(main())


def test_a_list_none_of_which_could_be_had_has_failed() -> None:
    """Its literal stands in for it as a whole; a list that has some is only partial."""

    async def main() -> None:
        feed = Slot("feed", fragment("feed"))
        async with World(screen(feed, listing("main", "feed[*]", fallback=b"[]"))) as world:
            world.put("feed", [1, 2])
            world.put("main", "one", id="1")
            world.shops["main"].failure = DOWN
            process = world.processes[0]
            answer = await process.get()
            assert (await process.data(), states(answer)["main"]) == ({"feed": [1, 2], "main": []}, "fallback")
            world.shops["main"].failure = None
            world.shops["main"].answer = lambda request: Loaded(b"1") if request.target == "/main/1" else DOWN
            await asyncio.sleep(1.1)
            answer = await process.get()
            assert (await process.data(), states(answer)["main"]) == ({"feed": [1, 2], "main": [1, None]}, "partial")

    run(main())


@pytest.mark.parametrize(("declared", "shown"), [(MAIN, None), (OVERTAKEN, "old")])
def test_r35_what_was_invalidated_stands_in_only_where_the_fragment_says_so(
    declared: Fragment, shown: str | None
) -> None:
    """And is told as overtaken, and never cacheable."""

    async def main() -> None:
        async with World(screen(Slot("main", declared))) as world:
            process = world.processes[0]
            world.put("main", "old")
            await process.get()
            world.shops["main"].failure = DOWN
            await world.invalidate("main:42")
            answer = await process.get()
            assert await process.data() == {"main": shown}
            assert states(answer)["main"] == ("overtaken" if shown else "failed")
            assert not answer.whole
            assert not answer.stored

    run(main())


@pytest.mark.parametrize("again", [0, 1, 3, 20])
def test_r35_its_time_counts_from_the_first_invalidation(again: int) -> None:
    """Later ones do not begin it anew, however many there are."""

    async def main() -> None:
        async with World(screen(Slot("main", replace(OVERTAKEN, lifetime=Lifetime(3_600.0, 0, 0, 600.0))))) as world:
            process = world.processes[0]
            world.put("main", "old")
            await process.get()
            world.shops["main"].failure = DOWN
            await world.invalidate("main:42")
            for _ in range(again):
                await asyncio.sleep(500 / again)
                await world.invalidate("main:42")
            if again < 4:  # beyond what is remembered of one tag, it counts from an earlier moment
                await asyncio.sleep(0.0 if again else 500)
                assert await process.data() == {"main": "old"}
            await asyncio.sleep(110)
            assert await process.data() == {"main": None}

    run(main())


def test_a_forgotten_viewers_answers_never_stand_in() -> None:
    """Neither the invalidated one, nor one whose load was under way; L2 keeps neither."""

    async def main() -> None:
        private = replace(OVERTAKEN, path=Template.parse("/main/{viewer.sub}"), tags=())
        async with World(screen(Slot("main", private))) as world:
            process, viewer = world.processes[0], {"viewer.sub": "anna"}
            world.put("main", "anna's", id="anna")
            await process.ask(values=viewer)
            await asyncio.sleep(0.01)
            kept = len(list(world.tier.blobs))
            assert kept == 2
            world.shops["main"].failure = DOWN
            await world.invalidate("viewer:anna")
            answer = await process.ask(values=viewer)
            assert isinstance(answer, Answer)
            assert answer.view.body.startswith(b'{"data":{"main":null}')

    run(main())


def test_a_load_that_was_under_way_when_its_viewer_was_forgotten_is_not_stored() -> None:
    """It is given to who asked before, and kept nowhere."""

    async def main() -> None:
        private = replace(OVERTAKEN, path=Template.parse("/main/{viewer.sub}"), tags=())
        async with World(screen(Slot("main", private))) as world:
            world.put("main", "anna's", id="anna")
            world.shops["main"].latency = 0.2
            asking = asyncio.create_task(world.processes[0].ask(values={"viewer.sub": "anna"}))
            await asyncio.sleep(0.1)
            await world.invalidate("viewer:anna")
            await asking
            await asyncio.sleep(0.1)
            assert list(world.tier.blobs) == []
            assert len(world.processes[0].service.memory) == 0

    run(main())


def test_an_answer_depends_on_what_stands_in_for_a_part() -> None:
    """When that is invalidated, the answer is held no longer, not even for its second."""

    async def main() -> None:
        async with World(screen(Slot("main", MAIN, fallback_fragment=OTHER))) as world:
            process = world.processes[0]
            world.shops["main"].failure = DOWN
            world.put("other", "old")
            assert await process.data() == {"main": "old"}
            assert (await process.get()).tier == "l1"
            world.put("other", "new")
            await world.invalidate("other:42")
            assert await process.data() == {"main": "new"}

    run(main())


def test_an_answer_of_which_nothing_could_be_had_is_fresh_for_no_time() -> None:
    """Unlike one for which there was nothing to ask."""

    async def main() -> None:
        async with World(screen(Slot("main", MAIN, fallback=b"0"))) as world:
            world.shops["main"].failure = DOWN
            assert (await world.processes[0].get()).ttl <= 0

    run(main())
