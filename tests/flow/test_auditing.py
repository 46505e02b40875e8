"""What was read is held against what its MBUs say, later: what is wrong is found and named, what is right never is."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from aggregator.engine.auditing import LOOKS
from aggregator.model.audit import Audit
from aggregator.model.screen import Screen, Slot
from aggregator.tiers.memory import MemoryTier
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Loaded, LoadRequest, Outcome, Reason
from tests.virtual_time import run
from tests.world import Process, World, fragment, reading, screen

KEPT = Lifetime(600.0)
USER, FEED = fragment("user", lifetime=KEPT), fragment("feed", lifetime=KEPT)
HOME = screen(Slot("user", USER), Slot("feed", FEED))
UNTAGGED = fragment("offers", tags=(), lifetime=KEPT)


class Audited(World):
    """A world that audits all that is read. turns: each MBU's loads at once that nobody waits for."""

    def __init__(
        self, *screens: Screen, sample: float = 1.0, budget: int = 10, turns: int = 16, draw: float = 1.0
    ) -> None:
        super().__init__(*screens, draw=lambda: draw)
        mbus = {name: replace(mbu, max_refreshes=turns) for name, mbu in self.catalogue.mbus.items()}
        self.catalogue = replace(self.catalogue, mbus=mbus, audit=Audit(sample, budget))
        for name in self.shops:
            self.put(name, {"of": name, "v": 1})


def looks(world: World, after: int) -> dict[str, float]:
    """What was found so long after, by result, at all processes and screens."""
    found: Counter[str] = Counter()
    for process in world.processes:
        for (_, seconds, result), count in process.service.meters.counters["audits"].items():
            if seconds == f"{after}s":
                found[result] += int(count)
    return dict(found)


def all_looks(world: World) -> list[dict[str, float]]:
    """The same after each time."""
    return [looks(world, after) for after in LOOKS]


async def examples(process: Process) -> list[Mapping[str, Any]]:
    """What the process tells of counterexamples."""
    found: list[Mapping[str, Any]] = (await process.service.answers["audit"](None))["counterexamples"]
    return found


def kept(world: World) -> set[str]:
    """The names of all that L2 keeps."""
    return set(world.tier.blobs)


def test_what_changed_unpublished_is_found_and_named_within_a_minute() -> None:
    """Its slot, and that it came from L1; of the value there are digests only."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            world.put("feed", {"of": "feed", "v": 2})
            await asyncio.sleep(59)
            assert await examples(process) == []
            await asyncio.sleep(3)
            [found] = await examples(process)
            [slot] = found["slots"]
            assert (found["screen"], found["target"], found["tier"]) == ("home", "/home/42", "l1")
            assert (slot["slot"], slot["fragment"], slot["mbu"]) == ("feed", "feed", "feed")
            assert 59 <= slot["age"] <= 62
            assert slot["kept"] != slot["said"]
            assert all_looks(world) == [{"differs": 1}, {"differs": 1}, {"inconsistent": 1}]
            assert '"v"' not in str(found)

    run(story())


def test_what_is_right_is_right_at_once() -> None:
    """And is not looked at again."""

    async def story() -> None:
        async with Audited(HOME) as world:
            await world.processes[0].get()
            await asyncio.sleep(3)
            assert all_looks(world) == [{"consistent": 1}, {}, {}]
            assert world.calls() == 4
            await asyncio.sleep(70)
            assert world.calls() == 4

    run(story())


def test_nothing_that_an_audit_loads_is_kept_or_served() -> None:
    """L2 holds the same bytes as before, L1 the same object, and readers go on getting what is kept."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(0.1)
            before, held = {name: world.tier.blobs.get(name) for name in kept(world)}, process.service.memory.all()
            world.put("feed", {"of": "feed", "v": 2})
            await asyncio.sleep(62)
            assert looks(world, 60) == {"inconsistent": 1}
            assert {name: world.tier.blobs.get(name) for name in kept(world)} == before
            assert [one is other for one, other in zip(process.service.memory.all(), held, strict=True)] == [True]
            assert (await process.data())["feed"]["v"] == 1

    run(story())


def test_a_reader_does_not_join_what_is_loaded_for_an_audit() -> None:
    """1. An audit asks the MBU. 2. The value changes, and is invalidated. 3. A reader asks: it loads for itself."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            world.shops["feed"].latency = 0.4
            await asyncio.sleep(1.3)
            assert world.shops["feed"].calls["/feed/42"] == 2
            world.put("feed", {"of": "feed", "v": 2})
            await world.invalidate("feed:42")
            assert (await process.data())["feed"]["v"] == 2
            assert world.shops["feed"].calls["/feed/42"] == 3

    run(story())


def test_an_invalidation_under_way_is_no_inconsistency() -> None:
    """It comes before the second look, or the third, and the view is replaced; or nobody reads it, and none is kept."""

    async def story(published_at: float, read_again: bool) -> list[dict[str, float]]:
        async with Audited(HOME, sample=1.0) as world:
            [process] = world.processes
            await process.get()
            world.put("feed", {"of": "feed", "v": 2})
            await asyncio.sleep(published_at)
            await world.invalidate("feed:42")
            if read_again:
                await process.get()
            await asyncio.sleep(61 - published_at)
            assert await examples(process) == []
            return all_looks(world)

    assert run(story(5, read_again=False)) == [{"differs": 1}, {"unkept": 1}, {}]
    assert run(story(5, read_again=True)) == [{"differs": 1}, {"consistent": 1}, {}]
    assert run(story(30, read_again=True)) == [{"differs": 1}, {"differs": 1}, {"consistent": 1}]


def test_what_is_replaced_and_differs_again_is_not_raised() -> None:
    """At each look there is a change whose invalidation is under way."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            for version in range(2, 130):
                world.put("feed", {"of": "feed", "v": version})
                await asyncio.sleep(0.5)
                await world.invalidate("feed:42")
                await process.get()
            assert await examples(process) == []
            assert looks(world, 60) == {}

    run(story())


def test_an_mbu_that_always_says_another_thing_is_told_apart() -> None:
    """Of it nothing can be said; its neighbour that changed unpublished is found all the same."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes

            def ticking(request: LoadRequest) -> Outcome:
                return Loaded(b'{"call":%d}' % world.shops["user"].calls[request.target])

            world.shops["user"].answer = ticking
            await process.get()
            await asyncio.sleep(20)
            assert all_looks(world) == [{"differs": 1}, {"unsteady": 1}, {}]
            await process.get()
            world.put("feed", {"of": "feed", "v": 2})
            await asyncio.sleep(63)
            [found] = await examples(process)
            assert [slot["slot"] for slot in found["slots"]] == ["feed"]

    run(story())


def test_what_only_a_lifetime_bounds_is_promised_nothing() -> None:
    """A fragment without tags may differ for as long as it lives, and so may what reads it."""

    async def story() -> None:
        reader = reading("user", {"id": "offers.of"}, fragment=USER)
        async with Audited(
            screen(Slot("offers", UNTAGGED), name="sale"), screen(Slot("offers", UNTAGGED), reader)
        ) as world:
            [process] = world.processes
            for id in ("offers", "other"):
                world.put("user", {"v": id}, id=id)
            for name in ("sale", "home"):
                await process.get(name=name)
            world.put("offers", {"of": "other", "v": 2})
            await asyncio.sleep(3)
            assert all_looks(world) == [{"unpromised": 2}, {}, {}]

    run(story())


def test_an_mbu_that_says_its_tags_itself_promises_too() -> None:
    """By Cache-Tag, where the declaration has none."""

    async def story() -> None:
        async with Audited(screen(Slot("offers", UNTAGGED), name="sale")) as world:
            world.shops["offers"].headers = {"cache-tag": "offers"}
            await world.processes[0].get(name="sale")
            world.put("offers", {"of": "offers", "v": 2})
            await asyncio.sleep(62)
            assert looks(world, 60) == {"inconsistent": 1}

    run(story())


def test_of_a_slot_and_what_reads_it_the_first_is_named() -> None:
    """The other shows something else because of it."""

    async def story() -> None:
        async with Audited(screen(Slot("feed", FEED), reading("user", {"id": "feed.of"}, fragment=USER))) as world:
            [process] = world.processes
            for id in ("feed", "other"):
                world.put("user", {"v": id}, id=id)
            await process.get()
            world.put("feed", {"of": "other", "v": 2})
            await asyncio.sleep(62)
            [found] = await examples(process)
            assert [slot["slot"] for slot in found["slots"]] == ["feed"]

    run(story())


def test_what_l2_would_give_is_audited_where_l1_has_nothing() -> None:
    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(0.1)
            for held in process.service.memory.all():
                process.service.memory.remove(held)
            world.put("user", {"of": "user", "v": 2})
            await asyncio.sleep(62)
            [found] = await examples(process)
            assert (found["tier"], [slot["slot"] for slot in found["slots"]]) == ("l2", ["user"])

    run(story())


def test_a_screen_that_should_be_there_and_one_that_should_not() -> None:
    """The required slot is named whose absence is kept, or missed."""

    async def story() -> None:
        async with Audited(screen(Slot("user", USER, required=True), Slot("feed", FEED))) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(1.5)
            del world.shops["user"].values["/user/42"]
            await process.get()
            await asyncio.sleep(63)
            await process.get("7")
            assert [slot["slot"] for slot in (await examples(process))[0]["slots"]] == ["user"]

    run(story())


def test_no_more_is_asked_of_mbus_than_the_budget_and_their_turns_allow() -> None:
    """Twenty views are read at once; two a second are looked at, one at a time; what is more than ten seconds of that
    is let go, and told."""

    async def story() -> None:
        async with Audited(HOME, budget=2) as world:
            [process] = world.processes
            for id in map(str, range(30)):
                for name in world.shops:
                    world.put(name, {"id": id}, id=id)
                await process.get(id)
            await asyncio.sleep(1.5)
            calls = world.calls()
            await asyncio.sleep(5)
            assert 0 < world.calls() - calls <= 2 * 5 * 2
            await asyncio.sleep(60)
            assert looks(world, 0) == {"crowded": 10}
            assert looks(world, 1) == {"consistent": 20}

    run(story())


def test_an_mbu_that_fails_ends_an_audit() -> None:
    async def story() -> None:
        async with Audited(HOME) as world:
            await world.processes[0].get()
            world.shops["feed"].failure = Failed(Reason.STATUS, "answered 500")
            await asyncio.sleep(62)
            assert all_looks(world) == [{"failed": 1}, {}, {}]

    run(story())


def test_what_cannot_be_proved_is_not_held_against_anything() -> None:
    """While the log is away what is served says so itself."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            world.log.down = True
            await asyncio.sleep(3)
            await process.get()
            await asyncio.sleep(3)
            assert all_looks(world) == [{"unkept": 1}, {}, {}]

    run(story())


def test_nothing_is_audited_unless_that_is_said() -> None:
    async def story() -> None:
        async with Audited(HOME, sample=0.0) as world:
            [process] = world.processes
            await process.get()
            await process.get()
            await asyncio.sleep(70)
            assert world.calls() == 2
            assert [looks(world, after) for after in (0, *LOOKS)] == [{}, {}, {}, {}]

    run(story())


def test_what_is_not_given_as_fresh_any_more_asks_no_mbu() -> None:
    """It has expired, or a part failed just now, or a wide tag overtook it, which L1 has not looked for yet."""

    async def story(cause: str) -> tuple[list[dict[str, float]], int]:
        feed = fragment("feed", lifetime=Lifetime(0.9 if cause == "expired" else 600.0, stale_if_error=600.0))
        async with Audited(screen(Slot("feed", feed)), screen(Slot("user", USER), name="card")) as world:
            [process] = world.processes
            await process.get()
            world.put("feed", {"of": "feed", "v": 2})
            await asyncio.sleep(0.9)
            match cause:
                case "wide":
                    await world.invalidate("screen:card")
                    await world.invalidate("fragment:feed")
                    assert len(process.service.memory) == 1
                case "failed":
                    world.shops["feed"].failure = Failed(Reason.STATUS, "answered 500")
                    await world.invalidate("feed:42")
                    assert (await process.get()).state == "incomplete"
            calls = world.calls()
            await asyncio.sleep(0.5)
            return all_looks(world), world.calls() - calls

    for cause in ("wide", "failed", "expired"):
        assert run(story(cause)) == ([{"unkept": 1}, {}, {}], 0), cause


def test_what_is_served_overtaken_by_declaration_is_not_compared() -> None:
    """It is marked, while the new one is being loaded."""

    async def story() -> None:
        feed = fragment("feed", lifetime=Lifetime(600.0, stale_while_revalidate=600.0), serves_overtaken=True)
        async with Audited(screen(Slot("feed", feed))) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(0.8)
            world.shops["feed"].failure = Failed(Reason.STATUS, "answered 500")
            await world.invalidate("feed:42")
            assert (await process.get()).state == "overtaken"
            await asyncio.sleep(1)
            assert all_looks(world) == [{"unkept": 1}, {}, {}]

    run(story())


def test_audits_take_the_turns_of_refreshes() -> None:
    """An MBU that lets one load be made with nobody waiting is asked for one slot after the other."""

    async def story() -> None:
        first, second = fragment("user", lifetime=KEPT), fragment("more", mbu="user", lifetime=KEPT)
        async with Audited(screen(Slot("user", first), Slot("more", second)), turns=1) as world:
            [process] = world.processes
            world.put("user", 1)
            world.shops["user"].values["/more/42"] = 2
            await process.get()
            world.shops["user"].latency = 0.2
            await asyncio.sleep(1.1)
            assert world.calls() == 3
            await asyncio.sleep(0.2)
            assert world.calls() == 4

    run(story())


def test_another_declaration_ends_the_audits_of_changed_screens_and_draws_as_it_says() -> None:
    """Here it audits nothing."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            await process.reload(screen(Slot("user", USER)))
            await process.get()
            await asyncio.sleep(3)
            assert all_looks(world) == [{"redeclared": 1}, {}, {}]

    run(story())


def test_the_log_line_has_neither_inputs_nor_payloads() -> None:
    async def story() -> None:
        async with Audited(HOME) as world:
            world.put("feed", 1, id="ada-4711")
            world.put("user", "first-4712", id="ada-4711")
            await world.processes[0].get("ada-4711")
            world.put("user", "second-4713", id="ada-4711")
            await asyncio.sleep(62)

    with capture_logs() as lines:
        run(story())
    [line] = [line for line in lines if line["event"] == "view inconsistent"]
    assert (line["log_level"], line["screen"], line["slots"][0]["slot"]) == ("warning", "home", "user")
    assert not any(text in str(line) for text in ("4711", "4712", "4713"))


def test_a_service_that_ends_gives_up_what_is_under_way() -> None:
    """And waits for no look that is due later."""

    async def story() -> None:
        world = Audited(HOME)
        async with world:
            await world.processes[0].get()
            world.shops["feed"].latency = 0.4
            await asyncio.sleep(1.2)
            began = world.time()
        assert world.time() - began < 1
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not any(looks(world, after) for after in LOOKS)

    run(story())


def test_each_read_is_drawn_with_the_declared_chance() -> None:
    """Two of them, counted together, as often as two apart: here the one comes to nothing, and the two do not."""

    async def story() -> None:
        async with Audited(HOME, sample=0.4, draw=0.5) as world:
            [process] = world.processes
            await process.get()
            await asyncio.sleep(3)
            assert all_looks(world) == [{}, {}, {}]
            await process.get()
            await process.get()
            await asyncio.sleep(3)
            assert all_looks(world) == [{"consistent": 1}, {}, {}]

    run(story())


def test_what_an_invalidation_should_have_expelled_and_did_not_is_found() -> None:
    """The MBU publishes, and L1 does not hear of it."""

    async def story() -> None:
        async with Audited(HOME) as world:
            [process] = world.processes
            await process.get()
            world.put("feed", {"of": "feed", "v": 2})
            await world.invalidate("feed:42")
            await asyncio.sleep(62)
            [found] = await examples(process)
            assert [slot["slot"] for slot in found["slots"]] == ["feed"]
            assert found["position"] < found["head"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryTier, "overtake", lambda self, tag, position: [])
        run(story())
