"""Small programs for two processes over one L2, one log and one MBU, of which every order of steps can be played."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from aggregator.invalidation.local import LocalLog
from aggregator.invalidation.log import Batch
from aggregator.model.position import Position
from aggregator.model.screen import Slot
from aggregator.tiers.local import LocalTier
from loaders.loader import LoadRequest, Outcome
from tests.interleaving.steps import Choose, Steps, run
from tests.world import Process, Shop, World, fragment, screen

T = TypeVar("T")
HOME = screen(Slot("user", fragment("user"), required=True))
HUNG = 5.0  # virtual seconds


class SteppedTier(LocalTier):
    """Each call is at the server in one step and its reply is there in another."""

    steps: Steps

    def _after_travel(self, act: Callable[[], T]) -> "asyncio.Future[T]":
        async def travel() -> T:
            await self.steps.reach("L2 acts")
            done = act()
            await self.steps.reach("L2 replies")
            return done

        return asyncio.get_running_loop().create_task(travel())


class SteppedLog(LocalLog):
    """A record is appended in one step, and delivered to each process in one of its own."""

    steps: Steps

    async def append(self, tags: Sequence[str], *, id: str | None = None, by: str | None = None) -> Position:
        await self.steps.reach("log appends")
        return await super().append(tags, id=id, by=by)

    async def read(self, after: str, count: int, block: float) -> Batch:
        batch = await super().read(after, count, block)
        if batch.records:
            await self.steps.reach("log delivers")
        return batch


class SteppedShop(Shop):
    """It reads its value in one step and its answer is there in another."""

    steps: Steps

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        await self.steps.reach("MBU reads")
        outcomes = [self._outcome(request) for request in requests]
        await self.steps.reach("MBU replies")
        return outcomes


class Program:
    """One world; `committed` is the version that the MBU has, `applied` what each position overtook."""

    def __init__(self, world: World, steps: Steps) -> None:
        self.world, self.steps = world, steps
        self.committed = 0
        self._published: list[tuple[Position, int]] = []

    async def read(self, number: int) -> None:
        """An answer is no older than what its process had applied when it was asked."""
        await self.steps.reach(f"reader asks {number}")
        process = self.world.processes[number]
        least = max((v for at, v in self._published if at <= process.service.ledger.head), default=0)
        found = (await process.data())["user"]
        assert found["id"] == "42", found
        assert found["v"] >= least, f"{found['v']} is older than {least}, which was applied"

    async def change(self) -> None:
        """Commit, then publish."""
        await self.steps.reach("MBU commits")
        self.committed += 1
        version = self.committed
        self.world.put("user", {"id": "42", "v": version})
        self._published.append((await self.world.log.append(["user:42"]), version))

    async def evict(self, number: int) -> None:
        """L1 lets go of all it holds."""
        await self.steps.reach(f"evicts {number}")
        self._empty(self.world.processes[number])

    async def settled(self) -> None:
        """Everything is applied: L1 of each process, and L2 behind it, give the last version."""
        await asyncio.sleep(0.1)
        for process in self.world.processes * 2:
            found = (await process.data())["user"]["v"]
            assert found == self.committed, f"{found} for ever, after {self.committed} was published"
            self._empty(process)

    def _empty(self, process: Process) -> None:
        for held in process.service.memory.all():
            process.service.memory.remove(held)


Actors = Callable[[Program], list[Awaitable[Any]]]

COLD: Mapping[str, Actors] = {
    "fill and invalidate": lambda one: [one.read(0), one.change()],
    "fill, join and invalidate": lambda one: [one.read(0), one.read(0), one.change()],
    "fill twice and invalidate twice": lambda one: [one.read(0), one.read(1), one.change(), one.change()],
}
WARM: Mapping[str, Actors] = {
    "promote and invalidate": lambda one: [one.read(1), one.change()],
    "evict, promote, read and invalidate": lambda one: [one.evict(0), one.read(0), one.read(1), one.change()],
}


def play(name: str, choose: Choose) -> list[str]:
    """One order of a program; returns its trace, which AssertionError and TimeoutError (who waits, hangs) have too."""
    steps = Steps(choose)
    try:
        run(steps, _story(name, steps))
    except BaseException as error:
        error.add_note(" > ".join(steps.trace))
        raise
    return steps.trace


async def _story(name: str, steps: Steps) -> None:
    SteppedTier.steps = SteppedLog.steps = SteppedShop.steps = steps
    world = World(HOME, processes=0)
    world.shops = {mbu: SteppedShop() for mbu in world.shops}
    steps.free = True
    async with world:
        world.tier = SteppedTier(world.time)
        world.log = SteppedLog(lambda: 1_000_000.0 + world.time())
        program = Program(world, steps)
        world.put("user", {"id": "42", "v": 0})
        await asyncio.gather(world.start(), world.start())
        if name in WARM:
            await world.processes[0].data()
            await asyncio.sleep(0.01)
        steps.free = False
        async with asyncio.timeout(HUNG):
            await asyncio.gather(*(WARM.get(name) or COLD[name])(program))
        steps.free = True
        async with asyncio.timeout(HUNG):
            await program.settled()
