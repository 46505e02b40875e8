"""Under random changes, invalidations and outages a right fleet is never found inconsistent, and a wrong one is."""

import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest

from aggregator.model.audit import Audit
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.scale import scale
from tests.virtual_time import run
from tests.world import Process, World, fragment, learning, screen

KEPT = Lifetime(300.0, stale_while_revalidate=60.0, stale_if_error=600.0)
USERS = ("1", "2", "3")
TAGS = {"user": "user:{}", "feed": "feed:{}", "posts": "learned:{}"}
# Seconds from a commit to its invalidation, at most: a slow outbox.
LATEST = 8.0


class Played(World):
    """Two processes that audit every read, over MBUs whose few values come and go. shortest: a view's lifetime."""

    def __init__(self, chance: random.Random, shortest: float) -> None:
        home = screen(
            Slot("user", fragment("user", lifetime=KEPT)),
            Slot("feed", fragment("feed", lifetime=KEPT, serves_overtaken=True)),
            Slot("posts", replace(learning("posts"), lifetime=Lifetime(shortest))),
        )
        super().__init__(home, processes=2, refresh_budget=chance.choice([0.0, 50.0]))
        self.catalogue = replace(self.catalogue, audit=Audit(sample=1.0, budget=50))
        self.chance = chance
        self._publishing: set[asyncio.Task[None]] = set()

    def change(self, name: str, id: str) -> None:
        """Commit another value, or the one from before the last."""
        value = {"id": id, "v": self.chance.randrange(3)}
        self.put(name, value if name != "posts" else [value], id)

    async def write(self, name: str, id: str) -> None:
        """Commit, and publish some time later."""
        self.change(name, id)
        publishing = asyncio.ensure_future(self._publish(TAGS[name].format(id)))
        self._publishing.add(publishing)
        publishing.add_done_callback(self._publishing.discard)

    async def _publish(self, tag: str) -> None:
        await asyncio.sleep(self.chance.random() ** 3 * LATEST)
        while self.log.down:  # as a publisher that tries again  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        await self.log.append([tag])

    async def step(self) -> None:
        """A moment in which one thing happens, or none."""
        name, id = self.chance.choice([*self.shops]), self.chance.choice(USERS)
        match self.chance.randrange(40):
            case 0 | 1 | 2:
                await self.write(name, id)
            case 3:
                self.shops[name].latency = self.chance.choice([0.0, 0.02, 0.3])
            case 4:
                failed = Failed(Reason.STATUS, "answered 500")
                self.shops[name].failure = self.chance.choice([None, None, failed])
            case 5:
                self.tier.down = self.chance.random() < 0.3
            case 6:
                self.log.down = self.chance.random() < 0.3
            case 7:
                self.log.flush() if self.chance.random() < 0.1 else None
            case 8:
                memory = self.chance.choice(self.processes).service.memory
                for held in memory.all():
                    memory.remove(held)
            case _:
                await self.chance.choice(self.processes).ask(id)
        await asyncio.sleep(self.chance.choice([0.01, 0.1, 1.0]))

    def found(self) -> Counter[str]:
        """How many looks ended so, by result."""
        counted: Counter[str] = Counter()
        for process in self.processes:
            for (*_, result), count in process.service.meters.counters["audits"].items():
                counted[result] += int(count)
        return counted


def seeds(count: int) -> list[int]:
    """Drawn anew each time; a failure names its own."""
    return [random.randrange(2**32) for _ in range(count)]


async def play(world: Played, seconds: float) -> None:
    """So long."""
    until = world.time() + seconds
    while world.time() < until:
        await world.step()


async def fresh(process: Process) -> None:
    """Until what is marked overtaken, as declared, is loaded again: soon; nothing is held against it before."""
    for _ in range(5):
        if (await process.get("1")).state == "fresh":
            return
        await asyncio.sleep(1)
    raise AssertionError("it is not loaded again")


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_a_right_fleet_is_never_found_inconsistent() -> None:
    """Whatever is under way. Enough was looked at for that to mean something."""
    total: Counter[str] = Counter()

    async def story(seed: int) -> None:
        chance = random.Random(seed)
        async with Played(chance, shortest=chance.choice([15.0, 60.0, 300.0])) as world:
            for name in world.shops:
                for id in USERS:
                    world.change(name, id)
            await play(world, 300)
            total.update(world.found())
            assert not world.found()["inconsistent"], (seed, world.found())

    for seed in seeds(count := scale(5, 500)):
        run(story(seed))
    print(dict(total))
    assert total["consistent"] > 50 * count
    assert total["differs"] > count


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_a_change_that_is_not_published_is_found_wherever_it_comes() -> None:
    """And nothing but its slot."""

    async def story(seed: int) -> None:
        chance = random.Random(seed)
        async with Played(chance, shortest=300.0) as world:
            for name in world.shops:
                for id in USERS:
                    world.change(name, id)
            await play(world, 60)
            world.tier.down = world.log.down = False
            for shop in world.shops.values():
                shop.failure = None
            await asyncio.sleep(LATEST + 4)
            for process in world.processes:
                await fresh(process)
            world.put(name := chance.choice(["user", "feed"]), {"id": "1", "v": "unpublished"}, "1")
            for _ in range(70):
                for process in world.processes:
                    await process.get("1")
                await asyncio.sleep(1)
            told = [(await process.service.answers["audit"](None))["counterexamples"] for process in world.processes]
            slots = [(one["target"], slot["slot"]) for found in told for one in found for slot in one["slots"]]
            assert set(slots) == {("/home/1", name)}, seed

    for seed in seeds(scale(5, 500)):
        run(story(seed))
