"""Small programs for two processes over one L2, one log and MBUs, of which every order of steps can be played."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from aggregator.model.position import Position
from aggregator.model.screen import Screen, Slot
from tests.interleaving.stepped import SteppedLog, SteppedShop, SteppedTier
from tests.interleaving.steps import Choose, Steps, run
from tests.world import Process, World, fragment, screen

HOME = screen(Slot("user", fragment("user"), required=True))
PAGE = screen(Slot("user", fragment("user"), required=True), Slot("posts", fragment("posts"), required=True))
HUNG = 5.0  # virtual seconds


class Actors:
    """What is done in one world; `committed` is the version of each slot that its MBU has."""

    def __init__(self, world: World, steps: Steps) -> None:
        self.world, self.steps = world, steps
        self.committed: Counter[str] = Counter()
        self._published: list[tuple[Position, str, int]] = []

    async def read(self, number: int) -> None:
        """An answer is no older than what its process had applied when it was asked."""
        await self.steps.reach(f"reader asks {number}")
        process = self.world.processes[number]
        head = process.service.ledger.head
        for slot, found in (await process.data()).items():
            least = max((v for at, name, v in self._published if name == slot and at <= head), default=0)
            assert found["id"] == "42", found
            assert found["v"] >= least, f"{slot} {found['v']} is older than {least}, which was applied"

    async def change(self, slot: str = "user") -> None:
        """Commit, then publish."""
        await self.steps.reach(f"{slot} commits")
        self.committed[slot] += 1
        version = self.committed[slot]
        self.world.put(slot, {"id": "42", "v": version})
        self._published.append((await self.world.log.append([f"{slot}:42"]), slot, version))

    async def evict(self, number: int) -> None:
        """L1 lets go of all it holds."""
        await self.steps.reach(f"evicts {number}")
        self._empty(self.world.processes[number])

    async def fill(self) -> None:
        """One process holds the screen, and L2 what it is made of."""
        await self.world.processes[0].data()
        await asyncio.sleep(0.01)

    async def fill_posts_later(self) -> None:
        """L2 holds a user of before a change of the posts; what it holds of these, and of the whole, is overtaken."""
        await self.fill()
        await self.change("posts")
        await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Everything is applied: L1 of each process, and L2 behind it, give the last version."""
        await asyncio.sleep(0.1)
        for process in self.world.processes * 2:
            found = {slot: value["v"] for slot, value in (await process.data()).items()}
            last = {slot: self.committed[slot] for slot in found}
            assert found == last, f"{found} for ever, after {last} was published"
            self._empty(process)

    def _empty(self, process: Process) -> None:
        for held in process.service.memory.all():
            process.service.memory.remove(held)


class Program(NamedTuple):
    """What is done at once, all orders of it; and what is done before that, in one order."""

    at_once: Callable[[Actors], list[Awaitable[Any]]]
    before: Callable[[Actors], Awaitable[None]] | None = None
    screen: Screen = HOME


PROGRAMS: Mapping[str, Program] = {
    "fill and invalidate": Program(lambda one: [one.read(0), one.change()]),
    "fill, join and invalidate": Program(lambda one: [one.read(0), one.read(0), one.change()]),
    "fill twice and invalidate twice": Program(lambda one: [one.read(0), one.read(1), one.change(), one.change()]),
    "promote and invalidate": Program(lambda one: [one.read(1), one.change()], Actors.fill),
    "evict, promote, read and invalidate": Program(
        lambda one: [one.evict(0), one.read(0), one.read(1), one.change()], Actors.fill
    ),
    "compose and invalidate a part": Program(lambda one: [one.read(0), one.change()], screen=PAGE),
    "compose of parts of different times and invalidate the older": Program(
        lambda one: [one.read(0), one.change()], Actors.fill_posts_later, PAGE
    ),
}


def play(name: str, choose: Choose) -> list[str]:
    """One order of a program; returns its trace, which AssertionError and TimeoutError (who waits, hangs) have too."""
    steps = Steps(choose)
    try:
        run(steps, _story(PROGRAMS[name], steps))
    except BaseException as error:
        error.add_note(" > ".join(steps.trace))
        raise
    return steps.trace


async def _story(program: Program, steps: Steps) -> None:
    SteppedTier.steps = SteppedLog.steps = SteppedShop.steps = steps
    world = World(program.screen, processes=0)
    world.shops = {mbu: SteppedShop() for mbu in world.shops}
    steps.free = True
    async with world:
        world.tier = SteppedTier(world.time)
        world.log = SteppedLog(lambda: 1_000_000.0 + world.time())
        actors = Actors(world, steps)
        for mbu in world.shops:
            world.put(mbu, {"id": "42", "v": 0})
        await asyncio.gather(world.start(), world.start())
        if program.before:
            await program.before(actors)
        steps.free = False
        async with asyncio.timeout(HUNG):
            await asyncio.gather(*program.at_once(actors))
        steps.free = True
        async with asyncio.timeout(HUNG):
            await actors.settled()
