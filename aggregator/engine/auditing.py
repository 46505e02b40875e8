"""Auditing looks again at a sample of the views that were read, after 1, 10 and 60 s: are they what their MBUs say?"""

import asyncio
from collections import deque
from heapq import heappop, heappush
from typing import Any

from msgspec import Struct

from aggregator.engine.comparing import Comparing
from aggregator.engine.counterexample import Table, counterexample
from aggregator.engine.fill import Knowledge
from aggregator.events import Audited, Observer, Trouble
from aggregator.model.address import target_in
from aggregator.model.audit import Audit
from aggregator.model.difference import Differences, still
from aggregator.model.screen import Screen

# Seconds after a read was counted, which is within a second of it.
LOOKS = (1, 10, 60)
# Views that are waited for, as seconds of the budget: with more, looks would come later than they should.
_WAITING = 10
# Counterexamples that are remembered.
_TOLD = 20


class Watch(Struct):
    """A view that is looked at again. next: which of the looks. differences: those that were there at each so far."""

    screen: Screen
    began: float
    next: int = 0
    differences: Differences | None = None


class Auditing:
    """One look at a time, and `audit.budget` of them a second. counterexamples: the last ones, the newest at the end.

    What is found is wrong, and not late: the same view was kept at all three looks, and its MBUs said the same other
    thing at each."""

    def __init__(self, comparing: Comparing, audit: Audit, known: Knowledge, observe: Observer) -> None:
        self.counterexamples: deque[Table] = deque(maxlen=_TOLD)
        self._comparing, self._audit = comparing, audit
        self._known = known
        self._observe = observe
        self._watched: dict[bytes, Watch] = {}
        self._due: list[tuple[float, bytes]] = []
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return len(self._watched)

    def go_over(self, comparing: Comparing, audit: Audit) -> None:
        """Audit as another declaration says, from now on."""
        self._comparing, self._audit = comparing, audit

    def note(self, address: bytes, reads: int) -> None:
        """A view was read so many times: each read is drawn with the chance that is declared."""
        if address in self._watched:
            return
        if self._known.draw() <= (1 - self._audit.sample) ** reads or not (screen := self._comparing.screen(address)):
            return
        if len(self._watched) >= _WAITING * self._audit.budget:
            self._observe(Audited(screen.name, 0, "crowded"))
            return
        self._watched[address] = watch = Watch(screen, self._known.clock.monotonic())
        self._wait(address, watch)

    async def told(self, _: Any) -> Table:
        """What an operator may ask: how many views are watched, and what was found."""
        return {"watched": len(self), "counterexamples": list(self.counterexamples)}

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(1 / self._audit.budget)
            if self._due[0][0] <= self._known.clock.monotonic():
                _, address = heappop(self._due)
                await self._follow(address, self._watched[address])
            if not self._watched:
                self._some.clear()

    async def _follow(self, address: bytes, watch: Watch) -> None:
        result, found = "defect", None
        try:
            result, found = await self._look(address, watch)
        except Exception as error:  # it costs this look, and not the worker its life
            self._observe(Trouble("background", repr(error)))
        self._observe(Audited(watch.screen.name, LOOKS[watch.next], result, found))
        if result == "differs":
            watch.next += 1
            self._wait(address, watch)
        else:
            del self._watched[address]

    async def _look(self, address: bytes, watch: Watch) -> tuple[str, Table | None]:
        """The result, and of what is inconsistent what there is to tell."""
        if self._comparing.screen(address) is not watch.screen:
            return "redeclared", None
        compared = await self._comparing.compare(watch.screen, address)
        if isinstance(compared, str):
            return compared, None
        result, watch.differences = still(watch.differences, compared.differences)
        if result != "differs" or watch.next + 1 < len(LOOKS):
            return result, None
        found = counterexample(compared, watch.differences, self._known)
        self.counterexamples.append({"target": target_in(address, watch.screen).decode(), **found})
        return "inconsistent", found

    def _wait(self, address: bytes, watch: Watch) -> None:
        heappush(self._due, (watch.began + LOOKS[watch.next], address))
        self._some.set()
