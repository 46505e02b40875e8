"""Corners of plans that a reviewer found wrong once: each is right now."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from aggregator.engine.answer import Answer
from aggregator.http.responses import cache_status
from aggregator.model.inputs import Inputs
from aggregator.model.plan import needs_of
from aggregator.model.position import Position
from aggregator.model.screen import Slot
from aggregator.model.shape import Shape
from aggregator.model.source import Source
from aggregator.model.template import Template
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Loaded, NotModified, Reason
from tests.virtual_time import run
from tests.world import World, fragment, reading, screen

DOWN = Failed(Reason.CONNECT, "down")
OVERTAKEN = Lifetime(60.0, 0.0, 0.0, overtaken_if_error=3_600.0)
ANNA = {"viewer.sub": "anna"}


def states(answer: object) -> dict[str, str]:
    """The state of each slot."""
    assert isinstance(answer, Answer)
    return {slot.name: slot.state for slot in answer.slots}


def test_a_payload_is_never_taken_for_the_secret_of_the_same_name() -> None:
    """A slot called `forward` has members; what stands in keys for a forwarded header is another thing."""
    slot = reading("user", {"id": "forward.account"})
    keys = {
        needs_of(slot, slot.fragment, Inputs({}, {"forward.account": "hash"}), {"forward": {"account": one}}, "n").key
        for one in ("anna", "bert")
    }
    assert len(keys) == 2


def test_a_payload_is_never_taken_for_the_secret_whose_place_it_takes() -> None:
    """A fragment's input has a secret's name, and is bound to another slot's payload."""
    one = fragment("user", path=Template.parse("/user/{cookie.session}"), tags=())
    slot = reading("user", {"cookie.session": "feed.id"}, fragment=one)
    keys = {needs_of(slot, one, Inputs({}, {"cookie.session": "hash"}), {"feed": {"id": id}}, "n").key for id in (1, 2)}
    assert len(keys) == 2


def test_what_is_bound_to_no_claim_is_not_its_viewers() -> None:
    """It is everybody's, and stays when one viewer is forgotten."""
    slot = reading("user", {"id": "feed.owner"})
    found = needs_of(slot, slot.fragment, Inputs({"viewer.sub": "anna"}, subject="anna"), {"feed": {"owner": 7}}, "n")
    assert "viewer:anna" not in found.tags


@pytest.mark.parametrize("bound", [True, False])
def test_whatever_uses_a_claim_goes_with_its_viewer(bound: bool) -> None:
    """By another name, or by another claim than `sub`."""
    one = fragment("user") if bound else fragment("user", path=Template.parse("/user/{viewer.email}"), tags=())
    slot = Slot("user", one, given={"id": Source.parse("viewer.sub")} if bound else {})
    inputs = Inputs({"viewer.sub": "anna", "viewer.email": "a@b"}, subject="anna")
    found = needs_of(slot, one, inputs, {}, "n")
    assert "viewer:anna" in found.tags
    assert "viewer:anna" in screen(slot).own_tags(inputs)
    public = Slot("user", fragment("user"))
    assert "viewer:anna" not in needs_of(public, public.fragment, Inputs({"id": "1"}, subject="anna"), {}, "n").tags


def test_what_had_expired_is_not_made_usable_by_an_invalidation() -> None:
    """Overtaken when it was of no use any more, it is of none afterwards."""

    async def main() -> None:
        long = fragment("main", lifetime=replace_fresh(10.0))
        async with World(screen(Slot("main", long))) as world:
            world.put("main", "old")
            process = world.processes[0]
            await process.get()
            world.shops["main"].failure = DOWN
            await asyncio.sleep(600)
            assert states(await process.get()) == {"main": "failed"}
            await world.invalidate("main:42")
            await asyncio.sleep(1.1)  # the failed answer is held no longer
            assert states(await process.get()) == {"main": "failed"}

    run(main())


def replace_fresh(seconds: float) -> Lifetime:
    """As OVERTAKEN, fresh for so long."""
    return OVERTAKEN._replace(fresh_for=seconds)


def test_a_304_does_not_bring_back_what_was_forgotten() -> None:
    """The MBU is not asked whether it is still right."""

    async def main() -> None:
        private = fragment("main", path=Template.parse("/main/{viewer.sub}"), tags=(), lifetime=OVERTAKEN)
        async with World(screen(Slot("main", private))) as world:
            shop, seen = world.shops["main"], list[dict[str, str]]()

            def answer(request: object) -> Loaded | NotModified:
                conditions = {name: value for name, value in request.headers.items() if name.startswith("if-")}  # type: ignore[attr-defined]
                seen.append(conditions)
                return NotModified() if conditions else Loaded(b"1", {"etag": '"a"'})

            shop.answer = answer
            process = world.processes[0]
            await process.ask(values=ANNA)
            await asyncio.sleep(0.1)
            await world.invalidate("viewer:anna")
            await process.ask(values=ANNA)
            assert seen == [{}, {}]

    run(main())


def test_an_answer_with_a_failed_part_replaces_no_whole_one_that_came_later() -> None:
    """1. A's slot fails, and what stands in takes its time. 2. B composes the whole. 3. A ends."""

    async def main() -> None:
        slot = Slot("main", fragment("main"), fallback_fragment=fragment("other"))
        async with World(screen(slot)) as world:
            process = world.processes[0]
            world.put("other", "other")
            world.shops["other"].latency = 0.4
            world.shops["main"].failure = Failed(Reason.SHED, "ours alone")
            first = asyncio.create_task(process.get())
            await asyncio.sleep(0.1)
            world.shops["main"].failure = None
            world.put("main", "whole")
            assert (await process.get()).whole
            assert states(await first) == {"main": "fallback"}
            assert states(await process.get()) == {"main": "fresh"}

    run(main())


def test_what_stands_in_for_a_late_slot_is_not_held_either() -> None:
    """Its load goes on, and the next reader finds it."""

    async def main() -> None:
        async with World(screen(Slot("main", fragment("main"), fallback=b"0"), deadline=0.05)) as world:
            world.put("main", 1)
            world.shops["main"].latency = 0.1
            process = world.processes[0]
            answer = await process.get()
            assert (states(answer), answer.loaded) == ({"main": "fallback"}, ())
            await asyncio.sleep(0.1)
            assert await process.data() == {"main": 1}

    run(main())


def test_a_fallback_that_cannot_be_shaped_is_passed_over() -> None:
    """The literal comes next; and the answer says that an MBU was asked."""

    async def main() -> None:
        shape = Shape.parse(["a"], [], {})
        deep = b"[" * 900 + b"]" * 900
        slot = Slot("main", fragment("main"), shape=shape, fallback_fragment=fragment("other"), fallback=b"0")
        async with World(screen(slot)) as world:
            world.shops["main"].failure = DOWN
            world.shops["other"].answer = lambda _: Loaded(deep)
            answer = await world.processes[0].get()
            assert orjson.loads(answer.view.body)["data"] == {"main": 0}
            assert (answer.tier, answer.loaded) == ("mbu", ("main",))

    run(main())


def test_an_absent_part_that_cannot_be_proved_is_told_as_unproven() -> None:
    """Nothing there, as far as is known."""

    async def main() -> None:
        async with World(screen(Slot("main", fragment("main", absent_for=600.0)))) as world:
            process = world.processes[0]
            assert states(await process.get()) == {"main": "absent"}
            world.log.down = True
            await asyncio.sleep(3)
            assert states(await process.get()) == {"main": "unproven"}

    run(main())


def test_a_value_that_was_not_sent_leaves_nothing_to_ask_for_in_a_path() -> None:
    """An empty segment would be another path; in a query it may be empty."""
    in_path = fragment("main", path=Template.parse("/main/{header.x}"), tags=())
    in_query = replace(in_path, path=Template.parse("/main?x={header.x}"))
    inputs = Inputs({"header.x": ""})
    assert needs_of(Slot("main", in_path), in_path, inputs, {}, "n") is None
    assert needs_of(Slot("main", in_query), in_query, inputs, {}, "n").target == "/main?x="


def test_a_screen_with_nothing_to_ask_for_is_fresh() -> None:
    """It depends on its inputs alone."""

    async def main() -> None:
        alone = fragment("main", path=Template.parse("/main/{header.x}"), tags=())
        async with World(screen(Slot("main", alone))) as world:
            first = await world.processes[0].ask(values={"header.x": ""})
            again = await world.processes[0].ask(values={"header.x": ""})
            assert isinstance(first, Answer)
            assert isinstance(again, Answer)
            assert (first.state, first.ttl > 0, again.tier) == ("fresh", True, "l1")

    run(main())


def test_an_overtaken_answer_is_called_so() -> None:
    """Not stale, and good for no time."""

    async def main() -> None:
        async with World(screen(Slot("main", fragment("main", lifetime=OVERTAKEN)))) as world:
            process = world.processes[0]
            world.put("main", "old")
            await process.get()
            world.shops["main"].failure = DOWN
            await world.invalidate("main:42")
            for _ in range(2):
                answer = await process.get()
                assert answer.state == "overtaken"
                assert "ttl=0" in cache_status(answer) or "fwd" in cache_status(answer)

    run(main())


def test_an_old_view_that_stands_in_replaces_no_whole_one_that_came_later() -> None:
    """1. L2 is away, A's slot fails, and what stands in takes its time. 2. B composes the whole. 3. A ends."""

    async def main() -> None:
        tolerant = fragment("main", lifetime=Lifetime(5.0, 0.0, 60.0))
        async with World(screen(Slot("main", tolerant, fallback_fragment=fragment("other")))) as world:
            process = world.processes[0]
            world.put("main", "old")
            await process.get()
            await asyncio.sleep(6)
            world.tier.down = True
            world.put("other", "other")
            world.shops["other"].latency = 0.4
            world.shops["main"].failure = Failed(Reason.SHED, "ours alone")
            first = asyncio.create_task(process.get())
            await asyncio.sleep(0.1)
            world.shops["main"].failure = None
            world.put("main", "new")
            assert await process.data() == {"main": "new"}
            assert orjson.loads((await first).view.body)["data"] == {"main": "old"}
            assert await process.data() == {"main": "new"}

    run(main())


def test_an_expired_view_is_no_better_than_an_answer_with_a_failed_part() -> None:
    """That is held for its second, so that not everybody asks again."""

    async def main() -> None:
        async with World(screen(Slot("main", fragment("main", lifetime=Lifetime(5.0))))) as world:
            process = world.processes[0]
            world.put("main", 1)
            await process.get()
            world.shops["main"].failure = DOWN
            await asyncio.sleep(6)
            assert states(await process.get()) == {"main": "failed"}
            assert (await process.get()).tier == "l1"

    run(main())


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_held_is_no_better_where_it_is_not_whole_or_cannot_be_proved(whole: bool) -> None:
    """1. A's load begins, and will fail. 2. An invalidation, so that B loads for itself; its answer is held. 3. Where
    that is whole, records of the log are lost. 4. A ends, and is held for a second from then on."""

    async def main() -> None:
        async with World(screen(Slot("main", fragment("main"), fallback=b"0"))) as world:
            process, shop = world.processes[0], world.shops["main"]
            world.put("main", 1)
            shop.failure, shop.latency = Failed(Reason.SHED, "ours alone"), 0.4
            first = asyncio.create_task(process.get())
            await asyncio.sleep(0.1)
            await world.invalidate("main:42")
            shop.failure, shop.latency = None if whole else shop.failure, 0.02
            assert states(await process.get()) == {"main": "fresh" if whole else "fallback"}
            await world.invalidate("something-else")
            if whole:
                process.service.ledger.lose(process.service.ledger.head)
            assert states(await first) == {"main": "fallback"}
            await asyncio.sleep(0.9)
            held = await process.get()
            assert (held.tier, states(held)) == ("l1", {"main": "fallback"})

    run(main())


def test_a_view_is_not_stored_whose_viewer_was_forgotten_before_that() -> None:
    """It was composed, and its store had not begun."""

    async def main() -> None:
        private = fragment("main", path=Template.parse("/main/{viewer.sub}"), tags=())
        async with World(screen(Slot("main", private))) as world:
            process, ledger = world.processes[0], world.processes[0].service.ledger
            world.put("main", "anna's", id="anna")
            await process.ask(values=ANNA)
            ledger.apply(Position(ledger.head + 2**64), ["viewer:anna"])
            await asyncio.sleep(0.1)
            assert not any(":view:" in name for name in world.tier.blobs)

    run(main())
