"""MBUs that are slow, fail, or have too much to do: none is asked more than it may, and who does not need it notices
nothing."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from aggregator.engine.answer import Answer, Refused
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.breaker import Breaker
from loaders.bulkhead import Bulkhead
from loaders.loader import Failed, Loaded, Loader, LoadRequest, Outcome, Reason
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

PLACES, OPEN_FOR = 4, 1.0
NAMES = tuple(f"part{number}" for number in range(8))
SLOW, QUICK = NAMES[0], NAMES[1:]
LATENCY, SOFT = 0.01, 0.1
# Seconds: of an outage, and between two requests meanwhile.
OUTAGE, PAUSE = float(scale(60, 300)), 0.05
TOLERANT = Lifetime(1.0, stale_if_error=600.0)
BROKEN = Failed(Reason.STATUS, "answered 500", mbu_status=500)


class Counting:
    """A loader, and how many loads it had under way at most."""

    def __init__(self, inner: Loader) -> None:
        self.most = self._now = 0
        self._inner = inner

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        self._now += len(requests)
        self.most = max(self.most, self._now)
        try:
            return await self._inner.load(requests)
        finally:
            self._now -= len(requests)

    async def close(self) -> None:
        await self._inner.close()


class Bounded:
    """What a service has around its MBUs; counting: one for each MBU and process."""

    def __init__(self) -> None:
        self.counting: list[Counting] = []

    def __call__(self, inner: Loader) -> Loader:
        self.counting.append(Counting(inner))
        breaker = Breaker(self.counting[-1], open_for=OPEN_FOR, monotonic=lambda: asyncio.get_running_loop().time())
        return Bulkhead(breaker, PLACES)


@pytest.fixture
def chance() -> random.Random:
    """Its seed is printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_r17_a_cold_start_asks_no_mbu_for_more_than_it_may(chance: random.Random) -> None:
    """Both tiers empty, and 2,000 requests a second, by Zipf's law, for 10,000 screens that take two loads each: more
    than the MBUs can do. What finds no place is 503 and says when to come again."""
    home = screen(Slot("user", fragment("user"), required=True), Slot("feed", fragment("feed"), required=True))
    ids = [str(number) for number in range(10_000)]
    zipf = [1 / (number + 1) for number in range(10_000)]
    around, asked = Bounded(), scale(2_500, 40_000)

    async def story() -> Counter[str]:
        async with World(home, around=around) as world:
            [process] = world.processes
            for shop in world.shops.values():
                shop.answer = lambda _: Loaded(b"1")
                shop.latency = 0.05
            tasks = []
            for id in chance.choices(ids, zipf, k=asked):
                tasks.append(asyncio.create_task(process.ask(id)))
                await asyncio.sleep(1 / 2_000)
            answers = await asyncio.gather(*tasks)
        return Counter(_outcome(answer) for answer in answers)

    outcomes = run(story())
    print(outcomes, [one.most for one in around.counting])
    assert {one.most for one in around.counting} == {PLACES}
    assert set(outcomes) == {"fresh", "503 later"}


def test_r33_a_slow_mbu_is_noticed_by_those_who_need_it_alone() -> None:
    """One of eight takes 10 s, the others 10 ms, and 40 ask at once, again and again. Screens without it take what they
    took before; one that has an older answer waits for its own deadline and no longer; the slow one is asked for as
    much at a time as it may be."""
    slots = {name: Slot(name, fragment(name, lifetime=TOLERANT)) for name in NAMES}
    whole = screen(*slots.values(), name="whole", deadline=SOFT)
    others = screen(*(slots[name] for name in QUICK), name="others")
    around = Bounded()

    async def story() -> None:
        async with World(whole, others, around=around) as world:
            [process] = world.processes
            for shop in world.shops.values():
                shop.answer = lambda _: Loaded(b"1")
                shop.latency = LATENCY

            async def slowest(name: str) -> float:
                async def one(id: str) -> float:
                    began = world.time()
                    answer = await process.get(id, name)
                    assert b"errors" not in answer.view.body
                    return world.time() - began

                return max([await one(str(number)) for number in range(40)])

            before = await slowest("others")
            await slowest("whole")
            world.shops[SLOW].latency = 10.0
            for _ in range(5):
                await asyncio.sleep(1.1)
                with_it, without_it = await asyncio.gather(slowest("whole"), slowest("others"))
                assert with_it <= SOFT + 0.02
                assert without_it <= 1.1 * before

    run(story())
    assert max(one.most for one in around.counting) <= PLACES


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_r34_a_failing_mbu_is_probed_once_a_second_and_what_is_stale_stands_in() -> None:
    """In full for five minutes, at two processes, for 20 screens in turn: each answer is there, and marked; two seconds
    after the MBU is well all are fresh."""
    home, ids = screen(Slot("user", fragment("user", lifetime=TOLERANT), required=True)), list(map(str, range(20)))

    async def story() -> None:
        async with World(home, processes=2, around=Bounded()) as world:
            shop = world.shops["user"]
            shop.answer = lambda _: Loaded(b"1")
            for process in world.processes:
                for id in ids:
                    await process.get(id)
            shop.failure = BROKEN
            shop.calls.clear()
            await asyncio.sleep(1.1)
            failing_since = world.time() - 1.1
            for turn in range(round(OUTAGE / PAUSE)):
                answers = [await process.get(ids[turn % len(ids)]) for process in world.processes]
                assert [answer.state for answer in answers] == ["stale", "stale"]
                await asyncio.sleep(PAUSE)
            tries_until_open = 10
            assert shop.calls.total() <= 2 * (tries_until_open + (world.time() - failing_since) / OPEN_FOR)
            shop.failure = None
            await asyncio.sleep(2.0 - PAUSE)
            for process in world.processes:
                for id in ids:
                    await process.get(id)
            await asyncio.sleep(PAUSE)
            assert {(await process.get(id)).state for process in world.processes for id in ids} == {"fresh"}

    run(story())


def _outcome(answer: Answer | Refused | None) -> str:
    if isinstance(answer, Refused):
        return f"{answer.failure.status}{' later' if answer.failure.retry_after else ''}"
    assert answer
    return answer.state
