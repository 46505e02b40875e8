"""Warming composes views before anybody asks for them: those that L2 does not hold, so many a second."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import orjson
from msgspec import Struct, structs

from aggregator.engine.answer import Answer, Refused, wanting
from aggregator.engine.pace import Pace
from aggregator.engine.serve import Screens, Sought
from aggregator.model.entry import Entry
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen

_REASONS = 5


class Wanted(Struct, frozen=True):
    """A view to be warmed, and how whoever asked for it calls it."""

    name: str
    screen: Screen
    inputs: Inputs


@dataclass
class Tally:
    """What came of it so far. there: L2 held it already. absent: there is no such screen. reasons: why the first ones
    failed."""

    composed: int = 0
    there: int = 0
    absent: int = 0
    failed: int = 0
    reasons: list[str] = field(default_factory=list)

    def fail(self, name: str, why: str) -> None:
        """One more that failed."""
        self.failed += 1
        if len(self.reasons) < _REASONS:
            self.reasons.append(f"{name}: {why}")


class Warming:
    """rate: views a second that are composed; those that are there cost none. at_once: views under way together."""

    def __init__(self, screens: Screens, rate: float, at_once: int) -> None:
        self.tally = Tally()
        self._screens = screens
        self._pace = Pace(rate)
        self._at_once = at_once

    async def run(self, wanted: Iterable[Wanted], told: Callable[[], object]) -> None:
        """Until all are there, or it is cancelled; TierUnavailable where L2 is away, as nothing would be kept. told: is
        called after each view."""
        views = iter(wanted)
        tasks = [asyncio.ensure_future(self._work(views, told)) for _ in range(self._at_once)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, views: Iterator[Wanted], told: Callable[[], object]) -> None:
        for one in views:
            await self._warm(one)
            told()

    async def _warm(self, one: Wanted) -> None:
        found = self._screens.begin(one.screen, one.inputs)
        if not isinstance(found, Sought):
            self.tally.there += 1
            await asyncio.sleep(0)  # a list of what L1 holds would keep everything else waiting
            return
        [entry] = await self._screens.read(found)
        if self._screens.taken(found, entry):
            self.tally.there += 1
            return
        await self._pace.turn()
        self._count(one, await self._composed(one, entry))

    async def _composed(self, one: Wanted, entry: Entry | None) -> Answer | Refused | None:
        """As for a reader who begins now, and waits for what is stale."""
        found = self._screens.begin(one.screen, one.inputs)
        if not isinstance(found, Sought):
            return found
        patient = structs.replace(found, asking=structs.replace(found.asking, wait=True))
        return await self._screens.composed(patient, entry)

    def _count(self, one: Wanted, answer: Answer | Refused | None) -> None:
        if answer is None:
            self.tally.absent += 1
        elif why := _failure(answer):
            self.tally.fail(one.name, why)
        elif answer.state == "absent":
            self.tally.absent += 1
        else:
            self.tally.composed += 1


def _failure(answer: Answer | Refused) -> str | None:
    """Why the answer is not kept as what the screen is; None where it is."""
    if isinstance(answer, Refused):
        return f"{answer.slot.name}: {answer.slot.fragment.mbu}: {answer.failure.detail}"
    if answer.stored or answer.tier == "l1":
        return None
    if not answer.view.whole:
        errors = orjson.loads(answer.view.body).get("errors", ())
        details = [f"{error['pointer']}: {error['detail']}" for error in errors]
        return "; ".join(details or [f"{slot} {state}" for slot, state in wanting(answer)])
    if answer.unproven:
        return "it cannot be proved current while the log is away"
    if not answer.current:
        return "it was invalidated while it was composed"
    return "an MBU says that its answer may not be kept"
