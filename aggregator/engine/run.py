"""Running a plan fills each slot as soon as what it needs is there; where one cannot be had, something stands in."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any

from msgspec.structs import replace

from aggregator.engine.asking import Asking
from aggregator.engine.assembling import Found, part_of, pieces_of, shaped, wants
from aggregator.engine.flights import Flight
from aggregator.engine.parts import Parts
from aggregator.model.entry import Entry
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.part import Part
from aggregator.model.plan import Needs, Want, needs_of
from aggregator.model.screen import Screen, Slot

Held = Mapping[str, Entry | None]


@dataclass(frozen=True, slots=True)
class Order:
    """One view to be composed: its address and key, its inputs, and what the slots of its first wave need."""

    screen: Screen
    address: bytes
    key: Key
    inputs: Inputs
    first: Mapping[str, Needs]


class Run:
    """One plan under way, for one request."""

    def __init__(self, parts: Parts, namespace: str, order: Order, asking: Asking) -> None:
        self._parts = parts
        self._namespace = namespace
        self._order = order
        self._asking = asking
        self._tasks: dict[str, asyncio.Task[Part]] = {}
        self._done: dict[str, Part] = {}
        self._payloads: dict[str, Any] = {}
        self._in_the_air = 0
        self._landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def parts(self) -> list[Part]:
        """A part for every slot, in declared order. What the first wave needs is read from L2 together; what is there
        then takes no task of its own."""
        first, *later = self._order.screen.waves
        held = await self._held(self._order.first.values())
        for slot in first:
            self._begin(slot, self._order.first[slot.name], held, read=bool(later))
        for slot in chain(*later):
            self._tasks[slot.name] = asyncio.get_running_loop().create_task(self._later(slot))
        await self._all()
        return [self._done[slot.name] for slot in self._order.screen.slots]

    async def _all(self) -> None:
        try:
            if self._in_the_air:
                await self._landed
            if self._tasks:
                await asyncio.gather(*self._tasks.values())
        except asyncio.CancelledError:
            for task in self._tasks.values():
                task.cancel()
            raise

    def _begin(self, slot: Slot, needs: Needs, held: Held, read: bool) -> None:
        """read: others may wait for this slot, and so for a task."""
        found = self._found(needs, held)
        if None not in found.values() and not (part := part_of(slot, needs, found)).failed:
            self._done[slot.name] = part
        elif isinstance(needs, Want) and not read and not self._asking.behind and self._asking.expires_at == inf:
            self._fly(slot, needs, held)
        else:
            self._go_on(slot, needs, held, found)

    def _fly(self, slot: Slot, want: Want, held: Held) -> None:
        """Load what most slots need, one entry that nobody else reads, without a task that waits for it."""
        flight = self._parts.begin(want, held[want.key.name], self._asking)
        self._in_the_air += 1
        flight.result.add_done_callback(lambda _: self._touch_down(slot, want, held, flight))

    def _touch_down(self, slot: Slot, want: Want, held: Held, flight: Flight) -> None:
        if self._landed.done():  # the caller has left
            return
        try:
            self._land(slot, want, held, flight)
        except Exception as error:  # A callback has no caller to learn of it, and who waits would do so for ever.
            self._landed.set_exception(error)

    def _land(self, slot: Slot, want: Want, held: Held, flight: Flight) -> None:
        piece = self._parts.landed(flight, want, held[want.key.name], self._asking)
        if piece and not (part := shaped(Part(slot, (piece,)))).failed:
            self._done[slot.name] = part
        else:
            self._go_on(slot, want, held, {want.key.name: piece}, flight)
        self._in_the_air -= 1
        if not self._in_the_air:
            self._landed.set_result(None)

    def _go_on(self, slot: Slot, needs: Needs, held: Held, found: Found, flight: Flight | None = None) -> None:
        work = self._loaded(slot, needs, held, found, flight)
        self._tasks[slot.name] = asyncio.get_running_loop().create_task(work)

    async def _later(self, slot: Slot) -> Part:
        """The part of a slot that reads others, as soon as these are there."""
        needs = await self._needs(slot, slot.fragment)
        held = await self._held([needs])
        return await self._loaded(slot, needs, held, self._found(needs, held))

    async def _loaded(self, slot: Slot, needs: Needs, held: Held, found: Found, flight: Flight | None = None) -> Part:
        """The part, once what was not found is loaded, or something stands in for it. flight: the one that was begun
        for its one need."""
        await self._load(needs, held, found, flight)
        part = part_of(slot, needs, found)
        self._done[slot.name] = await self._instead(part) if part.failed else part
        return self._done[slot.name]

    async def _instead(self, part: Part) -> Part:
        """What stands in for a part that failed: another fragment's answer, else what is declared, else nothing."""
        if other := part.slot.fallback_fragment:
            needs = await self._needs(part.slot, other)
            held = await self._held([needs])
            found = self._found(needs, held)
            await self._load(needs, held, found)
            [piece] = pieces_of(needs, found)
            other_part = shaped(Part(part.slot, (piece,)))
            if not piece.absent and not other_part.failed:
                return replace(other_part, failure=part.failed, stands_in=True, asked=part.loaded)
        if part.slot.fallback is not None:
            return Part(part.slot, failure=part.failed, stands_in=True, asked=part.loaded)
        return part

    async def _needs(self, slot: Slot, fragment: Fragment) -> Needs:
        for name in slot.reads(fragment):
            part = self._done[name] if name in self._done else await self._tasks[name]
            if name not in self._payloads and not part.failed:
                self._payloads[name] = part.decoded
        return needs_of(slot, fragment, self._order.inputs, self._payloads, self._namespace)

    def _found(self, needs: Needs, held: Held) -> Found:
        """By key, what L2 holds and can be used, and None for what has to be loaded."""
        return {want.key.name: self._parts.usable(want, held[want.key.name], self._asking) for want in wants(needs)}

    async def _load(self, needs: Needs, held: Held, found: Found, flight: Flight | None = None) -> None:
        """Load what was not found; what is needed twice is loaded once."""
        missing = {want.key.name: want for want in wants(needs) if found[want.key.name] is None}
        loads = [self._parts.load(want, held[name], self._asking, flight) for name, want in missing.items()]
        if len(loads) == 1:  # no task for it
            found |= zip(missing, [await loads[0]], strict=True)
        elif loads:
            found |= zip(missing, await asyncio.gather(*loads), strict=True)

    async def _held(self, needs: Iterable[Needs]) -> Held:
        """What L2 holds of what is needed, by key, asked for in one read; nothing where claiming will tell."""
        keys = {want.key.name: want.key for need in needs for want in wants(need)}
        if self._asking.unread:
            return dict.fromkeys(keys)
        return dict(zip(keys, await self._parts.held(list(keys.values())), strict=True))
