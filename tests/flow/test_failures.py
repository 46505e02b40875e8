"""What a failing MBU does to an answer: as little as was declared, and never unsaid."""

import asyncio
from typing import Any

import orjson
import pytest

from aggregator.engine.answer import Refused
from aggregator.model.part import Part
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason
from tests.virtual_time import run
from tests.world import World, conditions, fragment, screen

BROKEN = Failed(Reason.STATUS, "answered 500")
HOME = screen(Slot("user", fragment("user"), required=True), Slot("posts", fragment("posts")))
STALE = Lifetime(1.0, stale_if_error=600.0)
TOLERANT = screen(Slot("user", fragment("user", lifetime=STALE), required=True), Slot("posts", fragment("posts")))


def test_r20_an_optional_failure_is_null_with_an_error_and_kept_by_nobody_as_whole() -> None:
    """The slot is null, `errors` points at it, L2 keeps no view, and one second later it is tried again."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            world.put("user", {"n": 1})
            world.shops["posts"].failure = BROKEN
            first, second = world.processes
            answer = await first.get()
            body = orjson.loads(answer.view.body)
            assert body["data"] == {"user": {"n": 1}, "posts": None}
            assert [(e["pointer"], e["status"]) for e in body["errors"]] == [("/posts", 502)]
            assert answer.state == "incomplete"
            assert not answer.stored
            assert not any(":view:" in name for name in world.tier.blobs)
            assert (await first.get()).tier == "l1"
            world.shops["posts"].failure = None
            world.put("posts", [1])
            await asyncio.sleep(1.05)
            assert (await first.data())["posts"] == [1]
            assert (await second.get()).view.whole

    run(story())


def test_a_failure_is_shared_for_a_second_by_the_fleet() -> None:
    """Processes do not try a failing MBU in turn."""

    async def story() -> None:
        async with World(HOME, processes=4) as world:
            world.put("user", {"n": 1})
            world.shops["posts"].failure = BROKEN
            for process in world.processes:
                assert (await process.get()).state == "incomplete"
            assert world.shops["posts"].calls.total() == 1

    run(story())


@pytest.mark.parametrize(
    ("failure", "status"),
    [(BROKEN, 502), (Failed(Reason.SHED, "busy", 1.0), 503), (Failed(Reason.DEADLINE, "late"), 504)],
)
def test_a_required_failure_refuses_the_screen(failure: Failed, status: int) -> None:
    """Without anything older, the answer is the failure's own status."""

    async def story() -> None:
        async with World(HOME) as world:
            world.shops["user"].failure = failure
            refused = await world.processes[0].ask()
            assert isinstance(refused, Refused)
            assert refused.failure.status == status

    run(story())


def test_r33_a_slow_mbu_is_late_at_its_deadline() -> None:
    """A load ends at the MBU's deadline, and fails as such."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("posts", [])
            world.shops["user"].latency = 60.0
            began = world.time()
            refused = await world.processes[0].ask()
            assert isinstance(refused, Refused)
            assert refused.failure.reason is Reason.DEADLINE
            assert world.time() - began == pytest.approx(0.5, abs=0.02)

    run(story())


@pytest.mark.parametrize("broken", ["posts", "user"])
def test_a_defect_ends_the_request_that_meets_it(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """At once, with the exception; nobody waits for a slot that will never be there. The next request is served."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", {"n": 1})
            world.put("posts", [])
            [process] = world.processes
            with monkeypatch.context() as patch:

                def defect(part: Part) -> Part:
                    if part.slot.name == broken:
                        raise ZeroDivisionError
                    return part

                patch.setattr("aggregator.engine.run.shaped", defect)
                with pytest.raises(ZeroDivisionError):
                    await asyncio.wait_for(process.ask(), 3_600.0)
            assert world.time() < 1_001.0
            assert (await process.get()).view.whole

    run(story())


def test_r34_stale_if_error_stands_in_and_says_so() -> None:
    """An expired part is used while its MBU fails, for as long as declared; the answer is stale, not whole."""

    async def story() -> None:
        async with World(TOLERANT) as world:
            world.put("user", {"n": 1})
            [process] = world.processes
            await process.get()
            world.shops["user"].failure = BROKEN
            await asyncio.sleep(2.0)
            answer = await process.get()
            assert (answer.state, orjson.loads(answer.view.body)["data"]["user"]) == ("stale", {"n": 1})
            assert not answer.stored
            await asyncio.sleep(600.0)
            assert isinstance(await process.ask(), Refused)

    run(story())


def test_r35_what_was_invalidated_never_stands_in() -> None:
    """An overtaken part is no fallback, however long stale_if_error is."""

    async def story() -> None:
        async with World(TOLERANT) as world:
            world.put("user", {"n": 1})
            [process] = world.processes
            await process.get()
            world.shops["user"].failure = BROKEN
            await world.invalidate("user:42")
            assert isinstance(await process.ask(), Refused)

    run(story())


def test_absence_is_an_answer() -> None:
    """An optional part that is not there is null in a whole view, and kept for `absent_for`."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", {"n": 1})
            [process] = world.processes
            answer = await process.get()
            assert answer.view.body == b'{"data":{"user":{"n":1},"posts":null}}'
            assert answer.state == "fresh"
            assert (await process.get()).tier == "l1"
            await asyncio.sleep(5.1)
            world.put("posts", [1])
            assert (await process.data())["posts"] == [1]

    run(story())


def test_r19_a_required_absence_is_404_until_it_is_there() -> None:
    """The screen is not there; that is kept like any view, and ends with its tag's invalidation."""

    async def story() -> None:
        async with World(HOME) as world:
            [process] = world.processes
            assert (await process.get()).view.status == 404
            assert (await process.get()).tier == "l1"
            world.put("user", {"n": 1})
            await world.invalidate("user:42")
            assert (await process.get()).view.status == 200

    run(story())


@pytest.mark.parametrize(
    "headers",
    [{"cache-control": "no-store"}, {"cache-control": "private"}, {"set-cookie": "a=b"}, {"cache-tag": "x" * 300}],
)
def test_what_may_not_be_kept_is_not_kept(headers: dict[str, str]) -> None:
    """The answer is given, marked as not kept, and the next request loads again."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", {"n": 1})
            world.put("posts", [1])
            world.shops["posts"].headers = headers
            [process] = world.processes
            for calls in (1, 2):
                answer = await process.get()
                assert (answer.view.whole, answer.view.kept, answer.stored) == (True, False, False)
                assert world.shops["posts"].calls.total() == calls
            assert world.shops["user"].calls.total() == 1

    run(story())


def test_an_mbu_may_shorten_a_lifetime_and_never_lengthen_it() -> None:
    """max-age below `fresh_for` counts, above it does not."""

    async def story() -> None:
        for said, age, tier in (("max-age=10", 11, "mbu"), ("max-age=600", 11, "l1"), ("max-age=600", 61, "mbu")):
            async with World(HOME) as world:
                world.put("user", {"n": 1})
                world.put("posts", [1])
                world.shops["user"].headers = {"cache-control": said}
                await world.processes[0].get()
                await asyncio.sleep(age)
                assert (await world.processes[0].get()).tier == tier, said

    run(story())


@pytest.mark.parametrize("overtaken", [True, False])
def test_r55_validators_are_used_and_a_304_renews(overtaken: bool) -> None:
    """The MBU's entity tag is sent back, after an invalidation and after expiry; its 304 renews lifetime and position,
    and the payload stays."""
    home = screen(Slot("user", fragment("user"), required=True))

    def answer(request: LoadRequest) -> Outcome:
        seen.append(conditions(request))
        return NotModified() if conditions(request) else Loaded(b'{"n":1}', {"etag": '"one"'})

    seen: list[dict[str, str]] = []

    async def story() -> None:
        async with World(home) as world:
            world.shops["user"].answer = answer
            [process] = world.processes
            await process.get()
            if overtaken:
                await world.invalidate("user:42")
            else:
                await asyncio.sleep(70.0)
            assert await process.data() == {"user": {"n": 1}}
            assert (await process.get()).tier == "l1"
            assert seen == [{}, {"if-none-match": '"one"'}]

    run(story())


def test_tags_in_the_answers_headers_overtake() -> None:
    """Cache-Tag, Surrogate-Key and Cache-Groups name tags."""

    async def story() -> None:
        for field, text in (("cache-tag", "a, b"), ("surrogate-key", "a b"), ("cache-groups", '"a", "b"')):
            async with World(HOME) as world:
                world.put("user", {"n": 1})
                world.shops["user"].headers = {field: text}
                [process] = world.processes
                await process.get()
                await world.invalidate("b")
                assert (await process.get()).tier == "mbu", field

    run(story())


def test_absent_keeps_its_tags() -> None:
    """A 404 of the MBU is cached under the tags of its headers too."""
    home = screen(Slot("user", fragment("user")))

    async def story() -> None:
        async with World(home) as world:
            world.shops["user"].answer = lambda _: Absent({"cache-tag": "later"})
            [process] = world.processes
            await process.get()
            await world.invalidate("later")
            assert (await process.get()).tier == "mbu"

    run(story())


def test_what_is_asked_for_as_soon_as_a_failed_answer_is_held_no_more_is_loaded() -> None:
    """It does not find the failure still told to the fleet, though L2 heard of it a little later; else the new answer
    would be held for another second."""

    async def story() -> None:
        async with World(HOME) as world:
            tell = world.tier.release

            async def late(*told: Any) -> None:
                await asyncio.sleep(0.05)
                await tell(*told)

            world.tier.release = lambda *told: asyncio.ensure_future(late(*told))  # type: ignore[method-assign]
            world.put("user", {"n": 1})
            world.shops["posts"].failure = BROKEN
            [process] = world.processes
            await process.get()
            world.shops["posts"].failure = None
            world.put("posts", [1])
            await asyncio.sleep(1.0001)
            assert (await process.data())["posts"] == [1]

    run(story())
