"""Bulkhead: a bounded number in flight, a bounded queue, first come first served, and no place is ever lost."""

import asyncio
import random

import pytest

from loaders.bulkhead import Bulkhead
from loaders.loader import Failed, Loaded, LoadRequest, Outcome, Reason
from loaders.scripted import ScriptedLoader
from tests.virtual_time import run


def scripted(count: int) -> ScriptedLoader:
    loader = ScriptedLoader({f"/{n}": Loaded(b"%d" % n) for n in range(count)})
    for n in range(count):
        loader.hold(f"/{n}")
    return loader


def start(loader: Bulkhead, target: str, seconds: float = float("inf")) -> "asyncio.Task[Outcome]":
    async def one() -> Outcome:
        end = asyncio.get_running_loop().time() + seconds
        return (await loader.load([LoadRequest(target, expires_at=end)]))[0]

    return asyncio.ensure_future(one())


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_no_more_than_its_places_are_in_flight_and_the_rest_go_in_turn() -> None:
    async def main() -> None:
        inner = scripted(5)
        bulkhead = Bulkhead(inner, max_in_flight=2)
        tasks = [start(bulkhead, f"/{n}") for n in range(5)]
        await settle()
        assert (inner.in_flight, bulkhead.in_flight, bulkhead.queued) == (2, 2, 3)
        for n in (1, 0, 2, 3, 4):
            inner.release(f"/{n}")
            await settle()
        assert [batch[0].target for batch in inner.batches] == ["/0", "/1", "/2", "/3", "/4"]
        assert [await task for task in tasks] == [Loaded(b"%d" % n) for n in range(5)]
        assert (bulkhead.in_flight, bulkhead.queued) == (0, 0)

    run(main())


def test_who_waits_for_half_of_its_time_is_shed_and_told_when_to_come_again() -> None:
    async def main() -> None:
        inner = scripted(2)
        bulkhead = Bulkhead(inner, max_in_flight=1, retry_after=3)
        start(bulkhead, "/0")
        await settle()
        begin = asyncio.get_running_loop().time()
        outcome = await start(bulkhead, "/1", 0.5)
        assert isinstance(outcome, Failed)
        assert (outcome.reason, outcome.retry_after) == (Reason.SHED, 3)
        assert asyncio.get_running_loop().time() - begin == pytest.approx(0.25)
        assert (bulkhead.queued, inner.calls["/1"]) == (0, 0)
        inner.release("/0")

    run(main())


def test_a_full_queue_sheds_at_once() -> None:
    async def main() -> None:
        inner = scripted(3)
        bulkhead = Bulkhead(inner, max_in_flight=1, max_queued=1)
        tasks = [start(bulkhead, f"/{n}") for n in range(3)]
        outcome = await tasks[2]
        assert isinstance(outcome, Failed)
        assert outcome.reason is Reason.SHED
        inner.release("/0")
        inner.release("/1")
        assert [await task for task in tasks[:2]] == [Loaded(b"0"), Loaded(b"1")]

    run(main())


def test_a_waiter_that_leaves_makes_room_in_the_queue() -> None:
    async def main() -> None:
        inner = scripted(3)
        bulkhead = Bulkhead(inner, max_in_flight=1, max_queued=1)
        first, second = start(bulkhead, "/0"), start(bulkhead, "/1")
        await settle()
        second.cancel()
        await settle()
        third = start(bulkhead, "/2")
        await settle()
        inner.release("/0")
        inner.release("/2")
        assert [await first, await third] == [Loaded(b"0"), Loaded(b"2")]

    run(main())


def test_a_place_given_to_a_waiter_that_is_cancelled_before_it_runs_goes_to_the_next() -> None:
    """The interleaving written in the bulkhead."""

    async def main() -> None:
        inner = scripted(3)
        bulkhead = Bulkhead(inner, max_in_flight=1)
        first, second, third = (start(bulkhead, f"/{n}") for n in range(3))
        await settle()
        inner.release("/0")
        while bulkhead.queued == 2:  # noqa: ASYNC110 - until the place has been given on, and not one step more
            await asyncio.sleep(0)
        second.cancel()
        await settle()
        assert second.cancelled()
        assert inner.calls == {"/0": 1, "/2": 1}
        inner.release("/2")
        assert [await first, await third] == [Loaded(b"0"), Loaded(b"2")]
        assert bulkhead.in_flight == 0

    run(main())


def test_a_waiter_cancelled_in_the_same_tick_as_a_place_comes_free_does_not_swallow_it() -> None:
    async def main() -> None:
        inner = scripted(3)
        bulkhead = Bulkhead(inner, max_in_flight=1)
        first, second, third = (start(bulkhead, f"/{n}") for n in range(3))
        await settle()
        first.cancel()
        second.cancel()
        await settle()
        assert inner.calls == {"/0": 1, "/2": 1}
        inner.release("/2")
        assert await third == Loaded(b"2")
        assert bulkhead.in_flight == 0

    run(main())


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_cancelled_and_whenever_all_places_come_back(seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)

    async def main() -> None:
        inner = scripted(20)
        bulkhead = Bulkhead(inner, max_in_flight=3, max_queued=8)
        tasks = []
        for _ in range(200):
            n = chance.randrange(20)
            match chance.randrange(4):
                case 0 | 1:
                    inner.hold(f"/{n}")
                    tasks.append(start(bulkhead, f"/{n}", chance.choice([0.0, 0.01, 1.0, float("inf")])))
                case 2 if tasks:
                    chance.choice(tasks).cancel()
                case _:
                    inner.release(f"/{n}")
            await asyncio.sleep(chance.choice([0, 0, 0.005]))
            assert inner.in_flight <= 3
            assert bulkhead.queued <= 8
        for n in range(20):
            inner.release(f"/{n}")
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (bulkhead.in_flight, bulkhead.queued, inner.in_flight) == (0, 0, 0)

    run(main())
