"""Comparing holds what a reader would be given of a view now against what its MBUs say now, and keeps nothing."""

from typing import NamedTuple

from aggregator.engine.asking import Asking
from aggregator.engine.parts import Parts
from aggregator.engine.refresh import Works
from aggregator.engine.run import Order, Run
from aggregator.model.difference import Differences, differences, promised
from aggregator.model.hops import Hops
from aggregator.model.inputs import Inputs
from aggregator.model.keys import Key
from aggregator.model.part import Part
from aggregator.model.plan import plan
from aggregator.model.screen import Screen
from aggregator.model.standing import Standing
from aggregator.model.view import Stamp, View, compose, view_from
from aggregator.tiers.tier import TierUnavailable


class Kept(NamedTuple):
    """What a reader would be given as fresh. tier: "l1" or "l2"."""

    view: View
    tier: str


class Compared(NamedTuple):
    """A kept view, under its key, and what differs in it."""

    screen: Screen
    key: Key
    kept: Kept
    differences: Differences


class Comparing:
    """parts: over a tier that holds nothing, so that the MBUs are asked for each, as for what nobody waits for."""

    def __init__(self, namespace: str, works: Works, parts: Parts) -> None:
        self._namespace = namespace
        self._with = works
        self._parts = parts

    def screen(self, address: bytes) -> Screen | None:
        """Whose view this is; None where it is no screen's any more."""
        return self._with.addresses.screen(address)

    async def compare(self, screen: Screen, address: bytes) -> Compared | str:
        """What there is of the two, which are not of one moment, so that a difference may be an invalidation under way.

        Or in one word why nothing was compared: "private", as the address does not tell what decides the view;
        "unkept", as nothing is given as fresh; "failed", as an MBU did not answer; "unpromised", as no slot has tags.
        """
        inputs = self._with.addresses.inputs(screen, address)
        first = plan(screen, inputs, self._namespace) if inputs else None
        if inputs is None or first is None:
            return "private"
        key = screen.key(self._namespace, screen.identity(inputs))
        kept = self._held(screen, address) or await self._stored(key)
        if kept is None:
            return "unkept"
        parts = await self._said(Order(screen, address, key, inputs, first))
        if not all(part.whole for part in parts):
            return "failed"
        if not (slots := promised(screen, parts)):
            return "unpromised"
        said = self._composed(screen, inputs, parts)
        return Compared(screen, key, kept, differences(screen, kept.view, said, slots))

    def _held(self, screen: Screen, address: bytes) -> Kept | None:
        """What L1 would answer unmarked, by the comparisons of a hit."""
        held, known = self._with.memory.find(address), self._with.known
        if held is None or held.screen is not screen or not held.storable or not known.vouches:
            return None
        proved = held.position >= known.ledger.barrier or known.ledger.current(held.tags, held.position)
        return Kept(held.view(), "l1") if proved and known.clock.now() < held.fresh_until else None

    async def _stored(self, key: Key) -> Kept | None:
        try:
            [entry] = await self._with.tier.read([key])
        except TierUnavailable:
            return None
        known = self._with.known
        given = entry and known.vouches and known.standing(entry) is Standing.FRESH
        return Kept(view_from(entry), "l2") if entry and given else None

    async def _said(self, order: Order) -> list[Part]:
        hops = Hops(self._namespace, order.screen.name)
        asking = Asking(self._with.known.ledger.head, wait=True, hops=hops, behind=True)
        return await Run(self._parts, self._namespace, order, asking).parts()

    def _composed(self, screen: Screen, inputs: Inputs, parts: list[Part]) -> View:
        known = self._with.known
        return compose(screen, parts, Stamp(screen.own_tags(inputs), known.ledger.head, known.clock.now()))
