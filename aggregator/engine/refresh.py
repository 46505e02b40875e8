"""Refreshing composes views anew that nobody waits for: what is hot and was invalidated, and what was given stale."""

import asyncio
from collections.abc import Iterable
from functools import partial
from itertools import count
from typing import NamedTuple

from aggregator.engine.answer import Answer, Refused
from aggregator.engine.asking import Asking
from aggregator.engine.background import Background
from aggregator.engine.compose import Composer
from aggregator.engine.fill import Knowledge
from aggregator.engine.permits import Permits
from aggregator.engine.reading import Reading
from aggregator.engine.run import Order
from aggregator.engine.taking import Taking
from aggregator.events import Observer, Refreshed, Trouble
from aggregator.model.address import Addresses
from aggregator.model.agenda import Agenda, Due
from aggregator.model.held import Held
from aggregator.model.hops import Hops
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.plan import plan
from aggregator.model.position import Position
from aggregator.model.screen import Screen
from aggregator.model.tags import viewer_tag
from aggregator.model.turn import ANOTHER, Began
from aggregator.model.view import View
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.tier import SharedTier, TierUnavailable
from cache_policies.policy import fresh_until

# Decayed reads from which on a view is hot: it takes two in the last minutes.
HOT = 1.2
# Compositions at once in this process: with more, one slow MBU would hold them all the sooner.
IN_FLIGHT = 64
# Seconds after another process's composition should be over, at which to look for it; then after twice as long, and
# so on, so often.
_LOOK_AFTER, _LOOKS = 0.03, 5
# Seconds: what costs less is ranked as if it cost this.
_LEAST_COST = 0.001
# Seconds after an end, by which it is over whatever was rounded.
_SURELY = 0.001
_STEP = 20  # views between two turns of others


class Works(NamedTuple):
    """What refreshing works with."""

    addresses: Addresses
    memory: MemoryTier
    tier: SharedTier
    composer: Composer
    taking: Taking
    known: Knowledge
    reading: Reading
    background: Background


class Refreshing:
    """budget: compositions that the fleet may make a second, 0 = none of what nobody has asked for."""

    def __init__(self, namespace: str, works: Works, observe: Observer, budget: float) -> None:
        self._namespace = namespace
        self._with = works
        self._observe = observe
        self._unasked = budget > 0
        self._permits = Permits(namespace, works.tier, budget)
        self._agenda = Agenda()
        # By address, and what has become due of it meanwhile.
        self._under_way: dict[bytes, Due | None] = {}
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._agenda)

    def go_over(self, works: Works) -> None:
        """Work with others from now on, which another declaration has. What is due of screens whose views L1 does not
        take any more is due no more."""
        self._with = works

    def overtaken(self, views: Iterable[Held], position: Position) -> None:
        """An invalidation at `position` expelled these views."""
        for held in views:
            self._with.reading.count(held)
            heat = self._heat(held.key)
            if self._unasked and heat >= HOT:
                cost = held.view().timing.cost
                self._add(Due(held.screen, held.key, position, heat * max(cost, _LEAST_COST), cost))

    def given(self, screen: Screen, address: bytes, inputs: Inputs, view: View) -> None:
        """A reader was given a view that is stale, or will be soon."""
        heat = self._heat(address)
        if view.stale or view.timing.at + view.timing.lifetime.fresh_for <= self._with.known.clock.now():
            due = Due(screen, address, view.position, max(heat, 1.0) * view.timing.cost, view.timing.cost, asked=True)
        elif heat >= HOT:
            due = Due(screen, address, view.position, heat * view.timing.cost, view.timing.cost, max(0.0, view.lead))
        else:
            return
        due.inputs = inputs
        self._add(due)

    def made(self, screen: Screen, address: bytes, inputs: Inputs, view: View) -> None:
        """A view was composed and stored. One that nothing may refresh before its end is due then, so that its next
        reader does not wait."""
        heat = self._heat(address)
        if view.timing.cost or not self._unasked or heat < HOT:
            return
        left = fresh_until(view.timing) - self._with.known.clock.now()
        due = Due(screen, address, view.position, heat * _LEAST_COST, view.timing.cost, inputs=inputs, at_end=True)
        self._agenda.add(due, self._monotonic() + left + _SURELY)
        self._woken.set()

    async def run(self) -> None:
        """Refresh until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._begin_all(), name="refreshing")
            group.create_task(self._with.reading.run(), name="reading")

    def _add(self, due: Due) -> None:
        if not self._with.memory.takes(due.screen):
            return
        if due.address not in self._under_way:
            self._agenda.add(due)
            self._woken.set()
        elif (again := self._under_way[due.address]) and again.screen is due.screen:
            again.serve_too(due)
        else:
            self._under_way[due.address] = due

    async def _begin_all(self) -> None:
        while True:
            await self._begin_ready()
            self._woken.clear()
            try:
                async with asyncio.timeout(min(self._agenda.next_at - self._monotonic(), 60.0)):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _begin_ready(self) -> None:
        for number in count(1):
            if (due := self._agenda.pop(self._monotonic())) is None:
                return
            try:
                await self._consider(due)
            except Exception as error:  # a defect costs this view its refresh, and not the worker its life
                self._observe(Trouble("background", repr(error)))
            if number % _STEP == 0:
                await asyncio.sleep(0)

    async def _consider(self, due: Due) -> None:
        if not self._with.memory.takes(due.screen) or self._is_there(due):
            return
        # Its own to the end, whatever is declared meanwhile.
        works = self._with
        inputs = due.inputs or works.addresses.inputs(due.screen, due.address)
        if inputs is None or not self._is_wanted(due, inputs):
            self._tell(due, "unknown" if inputs is None else "cold")
            return
        key = due.screen.key(self._namespace, due.screen.identity(inputs))
        if due.looks:
            works.background.start(("look", due.address), partial(self._look, works, due, key))
            return
        await self._room.acquire()
        self._under_way[due.address] = None
        begun, work = False, partial(self._compose, works, due, key, inputs)
        try:
            if await self._may_begin(works, due, key):
                begun = works.background.start(("refresh", due.address), work)
        finally:
            if not begun:
                self._end(due)

    def _is_there(self, due: Due) -> bool:
        """Has a reader, or another process, seen to it meanwhile?"""
        held = self._with.memory.find(due.address)
        if held is None or held.position < due.needs:
            return False
        return held.storable and self._with.known.clock.now() < held.fresh_until

    def _is_wanted(self, due: Due, inputs: Inputs) -> bool:
        """Is it read these days, or was it asked for; and that by no viewer who was forgotten since?"""
        ledger = self._with.known.ledger
        forgotten = ledger.latest([viewer_tag(inputs.subject)]) if inputs.subject else None
        if forgotten is not None and forgotten >= due.begun_from:
            return False
        return due.asked or self._heat(due.address) >= HOT

    async def _may_begin(self, works: Works, due: Due, key: Key) -> bool:
        wait = await self._permits.ask(key, Began(works.known.ledger.head, due.begun_from))
        if wait == ANOTHER:
            self._look_later(due)
        elif wait:
            self._agenda.add(due, self._monotonic() + wait)
        return not wait and not self._is_there(due)  # a reader may have seen to it while the budget was waited for

    async def _compose(self, works: Works, due: Due, key: Key, inputs: Inputs) -> None:
        try:
            hops, ledger = Hops(self._namespace, due.screen.name), works.known.ledger
            asking = Asking(ledger.head, wait=True, ahead=due.ahead + 0.001, hops=hops, behind=True)
            if first := plan(due.screen, inputs, self._namespace):
                order = Order(due.screen, due.address, key, inputs, first)
                self._composed(due, inputs, await works.composer.compose(order, asking, old=None))
        finally:
            self._end(due)

    def _composed(self, due: Due, inputs: Inputs, answer: Answer | Refused) -> None:
        if isinstance(answer, Refused) or not answer.view.whole:
            self._tell(due, "failed")
        elif not answer.current:  # what overtook it expelled nothing, as nothing was held
            due.needs = self._with.known.ledger.head
            self._add(due)
            self._tell(due, "overtaken")
        else:
            if answer.stored:
                self.made(due.screen, due.address, inputs, answer.view)
            self._tell(due, "composed")

    def _end(self, due: Due) -> None:
        self._room.release()
        if again := self._under_way.pop(due.address):
            self._add(again)

    async def _look(self, works: Works, due: Due, key: Key) -> None:
        """Take over what another process has composed; where it has not, the next reader will see."""
        try:
            [entry] = await works.tier.read([key])
        except TierUnavailable:
            entry = None
        taken = works.taking.take(due.screen, due.address, key, entry)
        if taken:
            self._tell(due, "taken")
        elif due.looks < _LOOKS:
            self._look_later(due)
        else:
            self._tell(due, "left")

    def _look_later(self, due: Due) -> None:
        due.looks += 1
        self._agenda.add(due, self._monotonic() + (due.cost + _LOOK_AFTER) * 2 ** (due.looks - 1))
        self._woken.set()

    def _heat(self, address: bytes) -> float:
        return self._with.reading.heat.of(address, self._with.known.clock.now())

    def _monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def _tell(self, due: Due, outcome: str) -> None:
        self._observe(Refreshed(due.screen.name, outcome))
