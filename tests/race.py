"""One trial of the stale-fill race: a value changes and is invalidated while its old answer is still in flight."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.fleet import Publish, target
from tests.raw_client import Client
from tests.running import Mbu

WITHIN = 0.25
# The longest are still in flight when the first answers that may not hold the old value are begun.
SLOWEST = (0.3, 0.3, 0.6)
READ_AFTER = (0.25, 0.4, 0.8)


@dataclass(frozen=True)
class Ring:
    """Where trials take place: an MBU, a client for every process, and the ways to publish."""

    mbu: Mbu
    clients: Sequence[Client]
    ways: Sequence[Publish]


@dataclass
class Read:
    """One answer: when it was asked for and had, in the loop's seconds, and by which process."""

    begun: float
    ended: float
    process: int
    value: int
    status: str


@dataclass
class Trial:
    """name: "known" (the tag is known beforehand) or "learned" (only the payload names it). changes: how often the
    value changes; the second time during the reload that the first one caused.

    told: for each value but the first, when its invalidation was acknowledged. raced: for each change, whether an old
    answer was in flight from the change until after the acknowledgement.
    """

    name: str
    id: str
    changes: int
    draw: random.Random
    value: int = 0
    told: list[float] = field(default_factory=list)
    raced: list[bool] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    _flown: frozenset[int] = frozenset()

    async def run(self, ring: Ring) -> list[str]:
        """Play it; what was answered too old, in words."""
        ring.mbu.put(target("part0", self.id), "beside")
        self._put(ring.mbu)
        async with asyncio.TaskGroup() as group:
            if self.draw.random() < 0.3:  # cached by everybody already, so that it is a reload that is raced
                await asyncio.gather(*(self._read(ring, process) for process in (0, 1)))
                await self._change(ring)
            for _ in range(self.changes):
                for process in self._some():
                    group.create_task(self._read(ring, process, self.draw.uniform(0, 0.02)))
                await self._change(ring, under_way=True)
            for after in (*READ_AFTER, *(self.draw.uniform(0, 0.8) for _ in range(3))):
                for process in (0, 1) if after in READ_AFTER else self._some():
                    group.create_task(self._read(ring, process, after))
        return [self._words(read) for read in self.reads if read.value < self._least(read.begun)]

    async def _change(self, ring: Ring, under_way: bool = False) -> None:
        """Commit the next value, then invalidate; where one is `under_way`, at a random time of the flight of an
        answer that holds the value before."""
        begun = await self._flying(ring.mbu) if under_way else frozenset()
        tag = f"known:{self.id}" if self.name == "known" else f"seen:{self.id}-{self.value}"
        self.value += 1
        self._flown = ring.mbu.flights(self._target)
        self._put(ring.mbu)
        await self.draw.choice(ring.ways)([tag])
        self.told.append(asyncio.get_running_loop().time())
        if under_way:
            self.raced.append(bool(begun & ring.mbu.flights(self._target)))

    async def _flying(self, mbu: Mbu) -> frozenset[int]:
        """Wait for a flight begun since the last change, and then for a random part of it."""
        begun = frozenset[int]()
        with suppress(TimeoutError):  # somebody is served what is held already: nothing is raced
            async with asyncio.timeout(0.5):
                while not (begun := mbu.flights(self._target) - self._flown):  # noqa: ASYNC110  # it is in a thread
                    await asyncio.sleep(0.001)
        await asyncio.sleep(self.draw.uniform(0, mbu.answers[self._target].latency))
        return begun

    async def _read(self, ring: Ring, process: int, after: float = 0.0) -> None:
        await asyncio.sleep(after)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        got = await ring.clients[process].ask(f"/screens/{self.name}/{self.id}")
        assert got.status == 200, got
        assert "errors" not in got.json, got
        read = Read(begun, loop.time(), process, got.json["data"]["raced"]["v"], got.headers["cache-status"])
        self.reads.append(read)

    def _put(self, mbu: Mbu) -> None:
        payload = {"v": self.value, "ids": [f"{self.id}-{self.value}"]}
        mbu.put(self._target, payload, latency=self.draw.uniform(0, self.draw.choice(SLOWEST)))

    @property
    def _target(self) -> str:
        return f"/{self.name}/{self.id}"

    def _some(self) -> list[int]:
        return self.draw.choice([[0], [1], [0, 1]])

    def _least(self, begun: float) -> int:
        """The oldest value that an answer begun then may hold."""
        return sum(told + WITHIN <= begun for told in self.told)

    def _words(self, read: Read) -> str:
        told = ", ".join(f"{told - read.begun:+.3f}" for told in self.told)
        return (
            f"{self.name} {self.id}: process {read.process} gave {read.value}, not {self._least(read.begun)} or later; "
            f"acknowledged at {told} s from its asking, answered after {read.ended - read.begun:.3f} s: {read.status}"
        )
