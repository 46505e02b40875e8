"""How often MBUs are asked, and how often an answer is stale: the service, a TTL cache, and no cache at all."""

import asyncio

import orjson

from aggregator.model.screen import Slot
from benchmarks.figures import Figure
from benchmarks.zipf import SLOTS, Change, Score, Truth, View, events, target
from cache_policies.policy import Lifetime
from loaders.loader import Loaded, LoadRequest
from tests.virtual_time import run
from tests.world import World, fragment, screen

SEED = 20_260_101
LIFETIME = 60.0
WARM, COUNTED = 60.0, 120.0  # seconds of virtual time; nothing is counted while the caches fill
PROCESSES = 2
PUBLISHING = 0.005  # seconds between an MBU's commit and its tags being in the log
Events = list[View | Change]


def measure() -> tuple[list[Figure], list[str]]:
    """The same events for each of them."""
    happening = events(SEED, WARM + COUNTED)
    views = sum(isinstance(event, View) and event.at >= WARM for event in happening)
    scores = {
        "no cache": Score(views, views * SLOTS),
        f"TTL cache, {LIFETIME:g} s": ttl_cache(happening, LIFETIME),
        "TTL cache, 1 s": ttl_cache(happening, 1.0),
        f"aggregator, {LIFETIME:g} s": run(aggregator(happening, LIFETIME)),
    }
    return [_figure(name, score) for name, score in scores.items()], [f"workload: seed {SEED}, {views} views counted"]


def ttl_cache(happening: Events, lifetime: float) -> Score:
    """One cache for all, of fragments; who asks while one is loaded waits for that load. Nothing is invalidated."""
    truth, score = Truth(), Score()
    held: dict[str, tuple[int, float]] = {}

    def version(name: str, now: float) -> int:
        if name not in held or now >= held[name][1] + lifetime:
            held[name] = truth.version(name), now
            score.calls += now >= WARM
        return held[name][0]

    for event in happening:
        if isinstance(event, Change):
            truth.change(target(event.slot, event.user), event.at)
            continue
        names = [target(slot, event.user) for slot in range(SLOTS)]
        behind = max(truth.behind(name, version(name, event.at), event.at) for name in names)
        if event.at >= WARM:
            score.answered(behind)
    return score


async def aggregator(happening: Events, lifetime: float) -> Score:
    """The service itself, two processes of it in virtual time, over an L2, a log and MBUs that are in memory."""
    slots = [Slot(f"s{n}", fragment(f"m{n}", lifetime=Lifetime(lifetime))) for n in range(SLOTS)]
    async with World(screen(*slots), processes=PROCESSES) as world, asyncio.TaskGroup() as tasks:
        playing = Playing(world)
        for event in happening:
            await asyncio.sleep(max(0.0, playing.began + event.at - world.time()))
            tasks.create_task(playing.change(event) if isinstance(event, Change) else playing.view(event))
    return playing.score


class Playing:
    """The events as they meet the world."""

    def __init__(self, world: World) -> None:
        self.score = Score()
        self.began = world.time()
        self._world = world
        self._truth = Truth()
        self._turn = 0
        for shop in world.shops.values():
            shop.answer = self._answer

    async def change(self, event: Change) -> None:
        """Commit, and publish after that."""
        self._truth.change(target(event.slot, event.user), self._world.time())
        await asyncio.sleep(PUBLISHING)
        await self._world.log.append([f"m{event.slot}:{event.user}"])

    async def view(self, event: View) -> None:
        """Ask one of the processes, and compare what it says with the truth at the time of asking."""
        asked = self._world.time()
        self._turn += 1
        data = await self._world.processes[self._turn % PROCESSES].data(event.user)
        names = [target(slot, event.user) for slot in range(SLOTS)]
        versions = [data[f"s{slot}"] for slot in range(SLOTS)]
        behind = max(self._truth.behind(name, held, asked) for name, held in zip(names, versions, strict=True))
        if event.at >= WARM:
            self.score.answered(behind)

    def _answer(self, request: LoadRequest) -> Loaded:
        self.score.calls += self._world.time() - self.began >= WARM
        return Loaded(orjson.dumps(self._truth.version(request.target)))


def _figure(name: str, score: Score) -> Figure:
    values = {
        "MBU calls per 1,000 views": score.calls / score.views * 1000,
        "% stale": score.stale / score.views * 100,
        "% stale by more than 250 ms": score.late / score.views * 100,
        "s stale at worst": score.worst,
    }
    return Figure("workload", name, values)
