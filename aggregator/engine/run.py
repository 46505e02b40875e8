"""Running a plan fills each slot as soon as what it needs is there; where one cannot be had, something stands in."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from aggregator.engine.asking import Asking
from aggregator.engine.parts import Parts
from aggregator.model.entry import Entry
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.part import NOTHING, Part, Piece
from aggregator.model.plan import Need, Needs, Want, needs_of
from aggregator.model.screen import Screen, Slot
from aggregator.model.shape import ShapeMistake
from loaders.loader import Failed, Reason

Held = Mapping[str, Entry | None]
Found = dict[str, Piece | None]


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

    async def parts(self) -> list[Part]:
        """A part for every slot, in declared order. What the first wave needs is read from L2 together; what is there
        then takes no task of its own."""
        first, *later = self._order.screen.waves
        held = await self._held(self._order.first.values())
        for slot in first:
            self._begin(slot, self._order.first[slot.name], held)
        for slot in chain(*later):
            self._tasks[slot.name] = asyncio.get_running_loop().create_task(self._later(slot))
        if self._tasks:
            await asyncio.gather(*self._tasks.values())
        return [self._done[slot.name] for slot in self._order.screen.slots]

    def _begin(self, slot: Slot, needs: Needs, held: Held) -> None:
        found = self._found(needs, held)
        if None not in found.values() and not (part := _part(slot, needs, found)).failed:
            self._done[slot.name] = part
        else:
            load = self._loaded(slot, needs, held, found)
            self._tasks[slot.name] = asyncio.get_running_loop().create_task(load)

    async def _later(self, slot: Slot) -> Part:
        """The part of a slot that reads others, as soon as these are there."""
        needs = await self._needs(slot, slot.fragment)
        held = await self._held([needs])
        return await self._loaded(slot, needs, held, self._found(needs, held))

    async def _loaded(self, slot: Slot, needs: Needs, held: Held, found: Found) -> Part:
        """The part, once what was not found is loaded, or something stands in for it."""
        await self._load(needs, held, found)
        part = _part(slot, needs, found)
        self._done[slot.name] = await self._instead(part) if part.failed else part
        return self._done[slot.name]

    async def _instead(self, part: Part) -> Part:
        """What stands in for a part that failed: another fragment's answer, else what is declared, else nothing."""
        if other := part.slot.fallback_fragment:
            needs = await self._needs(part.slot, other)
            held = await self._held([needs])
            found = self._found(needs, held)
            await self._load(needs, held, found)
            [piece] = _pieces(needs, found)
            other_part = _shaped(Part(part.slot, (piece,)))
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
        return {want.key.name: self._parts.usable(want, held[want.key.name], self._asking) for want in _wants(needs)}

    async def _load(self, needs: Needs, held: Held, found: Found) -> None:
        """Load what was not found; what is needed twice is loaded once."""
        missing = {want.key.name: want for want in _wants(needs) if found[want.key.name] is None}
        loads = [self._parts.load(want, held[name], self._asking) for name, want in missing.items()]
        if len(loads) == 1:  # no task for it
            found |= zip(missing, [await loads[0]], strict=True)
        elif loads:
            found |= zip(missing, await asyncio.gather(*loads), strict=True)

    async def _held(self, needs: Iterable[Needs]) -> Held:
        """What L2 holds of what is needed, by key, asked for in one read; nothing where claiming will tell."""
        keys = {want.key.name: want.key for need in needs for want in _wants(need)}
        if self._asking.unread:
            return dict.fromkeys(keys)
        return dict(zip(keys, await self._parts.held(list(keys.values())), strict=True))


def _wants(needs: Needs) -> list[Want]:
    return [need for need in (needs if isinstance(needs, list) else [needs]) if isinstance(need, Want)]


def _part(slot: Slot, needs: Needs, found: Found) -> Part:
    if isinstance(needs, Failed):
        return Part(slot, failure=needs)
    return _shaped(Part(slot, _pieces(needs, found), isinstance(needs, list)))


def _pieces(needs: Needs, found: Found) -> tuple[Piece, ...]:
    """One for each need, in order."""
    return tuple(_piece(need, found) for need in (needs if isinstance(needs, list) else [needs]))


def _piece(need: Need, found: Found) -> Piece:
    if isinstance(need, Failed):
        return Piece(None, need)
    return (found[need.key.name] if need else None) or NOTHING


def _shaped(part: Part) -> Part:
    """The part, if its payload can be brought into its slot's shape."""
    try:
        return part.shaped()
    except ShapeMistake as mistake:
        return Part(part.slot, failure=Failed(Reason.PAYLOAD, str(mistake)), asked=part.loaded)
