"""Running a plan fills each slot as soon as what it needs is there; where one cannot be had, something stands in."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import inf
from typing import Any, NamedTuple

from msgspec import structs
from msgspec.structs import replace

from aggregator.engine.asking import Asking
from aggregator.engine.assembling import Found, part_of, pieces_of, shaped, wants
from aggregator.engine.flights import Flight
from aggregator.engine.parts import Parts
from aggregator.model.entry import Entry
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.part import Part, Piece
from aggregator.model.plan import Needs, Want, needs_of
from aggregator.model.screen import Screen, Slot
from loaders.loader import Failed

Held = Mapping[str, Entry | None]


@dataclass(frozen=True, slots=True)
class Order:
    """One view to be composed: its address and key, its inputs, and what the slots of its first wave need."""

    screen: Screen
    address: bytes
    key: Key
    inputs: Inputs
    first: Mapping[str, Needs]


class Aboard(NamedTuple):
    """A flight that a slot waits for without a task. land: what is called when it is over."""

    want: Want
    flight: Flight
    land: Callable[[object], None]


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
        self._in_the_air: dict[str, Aboard] = {}
        self._landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def parts(self) -> list[Part]:
        """A part for every slot, in declared order. What the first wave needs is read from L2 together; what is there
        then takes no task of its own."""
        first, *later = self._order.screen.waves
        held = await self._held(self._order.first.values())
        for slot in first:
            self._begin(slot, self._order.first[slot.name], held, read=bool(later))
        if refused := self._refused():
            self._give_up()
            return [self._done.get(slot.name) or Part(slot, failure=refused) for slot in self._order.screen.slots]
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
            self._give_up()
            raise

    def _refused(self) -> Failed | None:
        """Why the screen cannot be had, where that is known before anything is waited for."""
        return next((part.failed for part in self._done.values() if part.slot.required and part.failed), None)

    def _give_up(self) -> None:
        """Wait for nothing any more; loads go on, and keep nothing of this."""
        for task in self._tasks.values():
            task.cancel()
        for aboard in self._in_the_air.values():
            aboard.flight.result.remove_done_callback(aboard.land)
            self._parts.leave(aboard.want, self._asking)
        self._in_the_air.clear()

    def _begin(self, slot: Slot, needs: Needs, held: Held, read: bool) -> None:
        """read: others may wait for this slot, and so for a task."""
        found = self._found(needs, held)
        if None not in found.values() and not (part := part_of(slot, needs, found)).failed:
            self._done[slot.name] = part
        elif isinstance(needs, Want) and (piece := self._parts.turned_away(needs, held[needs.key.name], self._asking)):
            self._have(slot, needs, held, piece)
        elif isinstance(needs, Want) and not read and not self._asking.behind and self._asking.expires_at == inf:
            self._fly(slot, needs, held)
        else:
            self._go_on(slot, needs, held, found)

    def _fly(self, slot: Slot, want: Want, held: Held) -> None:
        """Load what most slots need, one entry that nobody else reads, without a task that waits for it."""
        flight = self._parts.begin(want, held[want.key.name], self._asking)
        land = partial(self._touch_down, slot, want, held, flight)
        self._in_the_air[slot.name] = Aboard(want, flight, land)
        flight.result.add_done_callback(land)

    def _touch_down(self, slot: Slot, want: Want, held: Held, flight: Flight, _: object) -> None:
        if self._in_the_air.pop(slot.name, None) is None or self._landed.done():  # the caller has left
            return
        try:
            self._have(slot, want, held, self._parts.landed(flight, want, held[want.key.name], self._asking), flight)
        except Exception as error:  # A callback has no caller to learn of it, and who waits would do so for ever.
            self._landed.set_exception(error)
            return
        if not self._in_the_air:
            self._landed.set_result(None)

    def _have(self, slot: Slot, want: Want, held: Held, piece: Piece | None, flight: Flight | None = None) -> None:
        """piece: what was had, if anything; a failed one may have something that stands in."""
        if piece and (not (part := shaped(Part(slot, (piece,)))).failed or not slot.has_fallback):
            self._done[slot.name] = part
        else:
            self._go_on(slot, want, held, {want.key.name: piece}, flight)

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
        batched = next((want.fragment for want in missing.values() if want.fragment.batch), None)
        if batched and self._asking.behind:
            async with self._parts.turn(batched):
                await self._load_all(missing, held, found, flight)
        else:
            await self._load_all(missing, held, found, flight)

    async def _load_all(self, missing: Mapping[str, Want], held: Held, found: Found, flight: Flight | None) -> None:
        loads = [self._parts.load(want, held[name], self._asking, flight) for name, want in missing.items()]
        if len(loads) == 1:  # no task for it
            found |= zip(missing, [await loads[0]], strict=True)
        elif loads:
            found |= zip(missing, await asyncio.gather(*loads), strict=True)

    async def _held(self, needs: Iterable[Needs]) -> Held:
        """What L2 holds of what is needed, by key, asked for in one read; nothing where claiming will tell."""
        wanted = {want.key.name: want for need in needs for want in wants(need)}
        if self._asking.unread:
            if all(self._parts.has_room(want, self._asking) for want in wanted.values()):
                return dict.fromkeys(wanted)
            self._asking = structs.replace(self._asking, unread=False)  # who may not claim has to look
        return dict(zip(wanted, await self._parts.held([want.key for want in wanted.values()]), strict=True))
