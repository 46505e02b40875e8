"""What one process learns by loading is shared with the others, as far as it is of use to them."""

import asyncio

import pytest

from aggregator.engine.answer import Answer
from aggregator.engine.flights import Flights, Landing
from aggregator.model.inputs import Inputs
from aggregator.model.ledger import Ledger
from aggregator.model.plan import Want, plan
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Slot
from loaders.loader import Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason
from tests.virtual_time import run
from tests.world import DEADLINE, World, conditions, fragment, learning, screen

HOME = screen(Slot("user", fragment("user"), required=True))


def test_waiting_for_another_process_takes_nothing_from_the_deadline() -> None:
    """An MBU that answers within its deadline is no failure, though a result that came too late was waited for first:
    one overtaken by a tag that only the payload names."""
    home = screen(Slot("user", learning("user"), required=True))

    async def story() -> None:
        async with World(home, processes=2) as world:
            first, second = world.processes
            world.put("user", [{"id": 7, "n": 1}])
            world.shops["user"].latency = 0.6 * DEADLINE
            old = asyncio.create_task(first.data())
            await asyncio.sleep(0.02)
            world.put("user", [{"id": 7, "n": 2}])
            await world.invalidate("learned:7")
            assert (await second.data())["user"][0]["n"] == 2
            await old

    run(story())


@pytest.mark.parametrize(
    "headers", [{"cache-control": "no-store"}, {"cache-control": "max-age=0"}, {"set-cookie": "a"}]
)
def test_answers_that_cannot_be_shared_are_not_waited_for(headers: dict[str, str]) -> None:
    """Processes that ask steadily for what nobody may keep load it side by side, not one after the other."""

    async def story() -> None:
        async with World(HOME, processes=4) as world:
            world.put("user", 1)
            world.shops["user"].latency = 0.2
            world.shops["user"].headers = headers

            async def visit(number: int) -> int:
                answers = [await world.processes[number].ask() for _ in range(20)]
                return sum(isinstance(answer, Answer) for answer in answers)

            assert await asyncio.gather(*map(visit, range(4))) == [20] * 4

    run(story())


@pytest.mark.parametrize("reason", [Reason.SHED, Reason.BREAKER, Reason.DEFECT])
def test_a_refusal_of_ones_own_is_nobody_elses(reason: Reason) -> None:
    """That one process did not ask says nothing about the MBU: another one asks."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            first, second = world.processes
            world.put("user", 1)
            world.shops["user"].failure = Failed(reason, "busy here")
            assert (refused := await first.ask()) is not None
            assert refused.state == "failed"
            world.shops["user"].failure = None
            assert (await second.get()).state == "fresh"

    run(story())


def test_an_answer_that_may_not_be_kept_is_not_handed_on() -> None:
    """It is for those who waited for the load, not for who comes while its lease is still being given back."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("user", 1)
            world.shops["user"].headers = {"cache-control": "no-store"}
            [process] = world.processes
            await process.get()
            world.put("user", 2)
            assert await process.data() == {"user": 2}

    run(story())


def test_r39_closing_waits_for_loads_and_leaves_no_lease() -> None:
    """What is under way at the end is stored, so that another process need not load it again."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            first, second = world.processes
            world.put("user", 1)
            world.shops["user"].latency = 0.2
            asking = asyncio.create_task(first.ask())
            await asyncio.sleep(0.1)
            asking.cancel()
            await first.service.close()
            assert await second.data() == {"user": 1}
            assert world.calls() == 1

    run(story())


def test_a_waiter_is_released_where_the_load_never_began() -> None:
    """A flight that is cancelled in the tick it begins in ends like any other."""

    async def fly() -> Landing:
        raise AssertionError("it never began")

    async def story() -> None:
        flights = Flights(Ledger(), lambda _: None)
        [want] = (plan(HOME, Inputs({"id": "42"}), "test") or {}).values()
        assert isinstance(want, Want)
        waiting = asyncio.create_task(flights.join(want, ORIGIN, fly))
        await asyncio.sleep(0)
        for task in flights._under_way:
            task.cancel()
        with pytest.raises(RuntimeError, match="shutdown"):
            await waiting
        assert len(flights) == 0

    run(story())


def answering(*outcomes: Outcome) -> tuple[World, list[dict[str, str]]]:
    """A world whose MBU gives these outcomes in turn, and the headers that it was asked with."""
    left, seen = list(outcomes), list[dict[str, str]]()

    def answer(request: LoadRequest) -> Outcome:
        seen.append(conditions(request))
        return left.pop(0) if len(left) > 1 else left[0]

    world = World(HOME)
    world.shops["user"].answer = answer
    return world, seen


def test_a_304_that_nobody_asked_for_is_no_answer() -> None:
    """Without validators there was nothing that the MBU could have compared."""

    async def story() -> None:
        made, seen = answering(Loaded(b"1"), NotModified())
        async with made as world:
            [process] = world.processes
            await process.get()
            await world.invalidate("user:42")
            refused = await process.ask()
            assert refused is not None
            assert (refused.state, seen) == ("failed", [{}, {}])

    run(story())


def test_a_304_keeps_the_lifetime_that_it_does_not_speak_of() -> None:
    """What the MBU said with its answer holds until it says something else."""

    async def story() -> None:
        made, seen = answering(Loaded(b"1", {"etag": '"1"', "cache-control": "max-age=5"}), NotModified())
        async with made as world:
            [process] = world.processes
            for _ in range(3):
                await process.get()
                await asyncio.sleep(5.5)
            assert len(seen) == 3

    run(story())


def test_tags_do_not_grow_with_every_304() -> None:
    """An entry with more tags than one may have is not kept."""
    many = ", ".join(f"t{number}" for number in range(1_001))

    async def story() -> None:
        made, _ = answering(Loaded(b"1", {"etag": '"1"'}), NotModified({"cache-tag": many}))
        async with made as world:
            [process] = world.processes
            await process.get()
            await world.invalidate("user:42")
            assert not (await process.get()).view.kept

    run(story())


def test_a_lifetime_that_cannot_be_read_is_none() -> None:
    """`max-age=-1` is not the absence of a limit."""

    async def story() -> None:
        made, seen = answering(Absent({"cache-control": "max-age=-1"}))
        home = screen(Slot("user", fragment("user")))
        made.catalogue.screens["home"] = home  # type: ignore[index]
        async with made as world:
            [process] = world.processes
            await process.get()
            await process.get()
            assert len(seen) == 2

    run(story())


def test_a_load_that_outlasts_its_leases_term_is_made_once() -> None:
    """The lease is renewed for as long as the load takes."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            first, second = world.processes
            world.put("user", 1)
            world.shops["user"].latency = 0.96 * DEADLINE
            asking = asyncio.create_task(first.data())
            await asyncio.sleep(0.05)
            assert await second.data() == await asking == {"user": 1}
            assert world.calls() == 1

    run(story())
