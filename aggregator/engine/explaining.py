"""Explaining finds what is kept of one view and of each fragment that it needs, and leaves all of it as it is."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import orjson
from msgspec import Struct

from aggregator.engine.assembling import wants
from aggregator.model.address import Addresses
from aggregator.model.entry import Entry
from aggregator.model.held import Held
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.plan import Need, Needs, Want, needs_of, plan
from aggregator.model.screen import Screen, Slot
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.tier import SharedTier, TierUnavailable

Entries = Mapping[str, Entry | None]


class SlotFound(Struct, frozen=True):
    """needs: None where it has nothing to ask for. entries: what L2 holds, by key name. lost: the slot whose payload
    tells what it needs, and is not in L2."""

    slot: Slot
    needs: Needs
    entries: Entries
    lost: str | None = None


class Found(Struct, frozen=True):
    """held: what L1 holds. entry: the view in L2. away: why L2 could not be asked; then there is nothing of it."""

    screen: Screen
    key: Key
    held: Held | None
    entry: Entry | None = None
    slots: Sequence[SlotFound] = ()
    away: str | None = None


class Explaining:
    """Looks without touching: no use is noted, nothing is loaded, stored, proved again or restamped."""

    def __init__(self, namespace: str, addresses: Addresses, memory: MemoryTier, tier: SharedTier) -> None:
        self._namespace = namespace
        self._addresses = addresses
        self._memory = memory
        self._tier = tier

    async def find(self, screen: Screen, inputs: Inputs) -> Found | None:
        """What there is; None if there can be no such screen."""
        first = plan(screen, inputs, self._namespace)
        if first is None:
            return None
        key, address = screen.key(self._namespace, screen.identity(inputs)), self._addresses.of(screen, inputs)
        try:
            [entry] = await self._tier.read([key])
            slots = await self._slots(screen, inputs, first)
        except TierUnavailable as error:
            return Found(screen, key, self._memory.find(address), away=str(error))
        # Looked for in L1 last, so that no await stands between this and what is said of it.
        return Found(screen, key, self._memory.find(address), entry, slots)

    async def _slots(self, screen: Screen, inputs: Inputs, first: Mapping[str, Needs]) -> list[SlotFound]:
        """Wave by wave, as what a slot needs is told by payloads of those before it."""
        found: dict[str, SlotFound] = {}
        payloads: dict[str, Any] = {}
        for wave in screen.waves:
            lost = {slot.name: _lost(slot, payloads) for slot in wave}
            needs = {
                slot.name: first[slot.name] if slot.name in first else self._needs(slot, inputs, payloads)
                for slot in wave
                if lost[slot.name] is None
            }
            entries = await self._read(list(chain(*map(wants, needs.values()))))
            for slot in wave:
                found[slot.name] = one = SlotFound(slot, needs.get(slot.name), entries, lost[slot.name])
                payloads.update(_payload(one))
        return [found[slot.name] for slot in screen.slots]

    def _needs(self, slot: Slot, inputs: Inputs, payloads: Mapping[str, Any]) -> Needs:
        return needs_of(slot, slot.fragment, inputs, payloads, self._namespace)

    async def _read(self, wanted: Sequence[Want]) -> Entries:
        keys = [want.key for want in wanted]
        return dict(zip((key.name for key in keys), await self._tier.read(keys), strict=True))


def _lost(slot: Slot, payloads: Mapping[str, Any]) -> str | None:
    return next((name for name in sorted(slot.reads(slot.fragment)) if name not in payloads), None)


def _payload(found: SlotFound) -> dict[str, Any]:
    """What later slots read of it, by its name; nothing where L2 does not hold all of it."""
    if found.lost or not all(found.entries[want.key.name] for want in wants(found.needs)):
        return {}
    if isinstance(found.needs, list):
        return {found.slot.name: [_decoded(need, found.entries) for need in found.needs]}
    return {found.slot.name: _decoded(found.needs, found.entries)}


def _decoded(need: Need, entries: Entries) -> Any:
    entry = entries[need.key.name] if isinstance(need, Want) else None
    return orjson.loads(entry.payload) if entry else None
