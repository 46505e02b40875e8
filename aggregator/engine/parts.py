"""A piece of a part is found or loaded: what L2 holds and is good is taken, only the rest is loaded."""

import asyncio
from collections.abc import Mapping, Sequence
from math import inf

from msgspec import structs

from aggregator.engine.asking import Asking
from aggregator.engine.crowd import Crowd
from aggregator.engine.fill import Filler, Knowledge
from aggregator.engine.flights import Filled, Flight
from aggregator.engine.restamp import Restamping
from aggregator.model.entry import Entry
from aggregator.model.fragment import Fragment
from aggregator.model.keys import Key
from aggregator.model.part import Piece, State
from aggregator.model.plan import Want
from aggregator.model.standing import Standing, may_fall_back, overtaken_until
from aggregator.tiers.tier import SharedTier, TierUnavailable
from cache_policies.policy import fresh_until
from loaders.loader import Failed, Reason

_LATE = Failed(Reason.LATE, "it was not there within the screen's deadline")
_STATES = {Standing.OVERTAKEN: State.OVERTAKEN, Standing.UNPROVEN: State.UNPROVEN}


class Parts:
    """lanes: by MBU, turns of the loads that nobody waits for. trust_unproven: use what cannot be proved current as if
    it were (it is marked all the same)."""

    def __init__(
        self,
        tier: SharedTier,
        knowledge: Knowledge,
        filler: Filler,
        restamping: Restamping,
        lanes: Mapping[str, asyncio.Semaphore],
        crowd: Crowd,
        trust_unproven: bool = False,
    ) -> None:
        self._tier = tier
        self._known = knowledge
        self._filler = filler
        self._restamping = restamping
        self._lanes = lanes
        self._crowd = crowd
        self._trust_unproven = trust_unproven

    async def held(self, keys: Sequence[Key]) -> Sequence[Entry | None]:
        """What L2 holds; nothing where it is away."""
        try:
            return await self._tier.read(keys) if keys else []
        except TierUnavailable:
            return [None] * len(keys)

    def usable(self, want: Want, held: Entry | None, asking: Asking) -> Piece | None:
        """What L2 holds, if nothing needs to be loaded instead."""
        if held is None:
            return None
        match self._known.standing(held, asking.ahead):
            case Standing.FRESH:
                self._restamping.consider(want.key, held)
                return Piece(held)
            case Standing.REVALIDATE if not asking.wait:
                return Piece(held, state=State.STALE)
            case Standing.OVERTAKEN if want.fragment.serves_overtaken and not asking.wait:
                now = self._known.clock.now()
                in_time = now < overtaken_until(held, self._known.ledger, now)
                return Piece(held, state=State.OVERTAKEN) if in_time else None
            case Standing.UNPROVEN if self._trusts(asking) and self._known.clock.now() < fresh_until(held.timing):
                return Piece(held, state=State.UNPROVEN)
        return None

    def _trusts(self, asking: Asking) -> bool:
        return self._trust_unproven and not asking.only_current

    def has_room(self, want: Want, asking: Asking) -> bool:
        """May this caller wait for a load?"""
        return not self._counts(asking) or self._crowd.has_room(want)

    def turned_away(self, want: Want, held: Entry | None, asking: Asking) -> Piece | None:
        """What a caller gets that may not wait for a load; None where it may."""
        refused = self._crowd.refused(want) if self._counts(asking) else None
        return self._fallen_back(held, Filled(None, refused), asking) if refused else None

    def begin(self, want: Want, held: Entry | None, asking: Asking) -> Flight:
        """Begin to load, and wait; once the flight's result is there, `landed` gives the piece."""
        self._enter(want, asking)
        return self._filler.begin(want, held, asking)

    def leave(self, want: Want, asking: Asking) -> None:
        """Wait no more for what was begun."""
        if self._counts(asking):
            self._crowd.leave(want)

    def landed(self, flight: Flight, want: Want, held: Entry | None, asking: Asking) -> Piece | None:
        """The piece, of a flight that is over and not waited for any more; None where `load` has more to do, as it has
        where that was in vain."""
        self.leave(want, asking)
        if flight.result.exception():
            return None
        filled = flight.result.result()
        good = self._filler.flights.good(flight, filled, asking.since)
        return self._piece(want, held, filled, asking) if good else None

    async def load(self, want: Want, held: Entry | None, asking: Asking, begun: Flight | None = None) -> Piece:
        """What is loaded, or may stand in because loading failed or may not be waited for; else the failure. begun:
        what `begin` gave, if it is over.

        What nobody waits for takes its turn before there is a flight, so that no reader joins one that waits for it.
        What is asked for in one call takes one together, which `turn` gives.
        """
        if asking.behind and not want.fragment.batch:
            async with self.turn(want.fragment):
                return await self._loaded(want, held, asking, begun)
        return await self._loaded(want, held, asking, begun)

    def turn(self, fragment: Fragment) -> asyncio.Semaphore:
        """The turns of the loads from its MBU that nobody waits for."""
        return self._lanes[fragment.mbu]

    async def _loaded(self, want: Want, held: Entry | None, asking: Asking, begun: Flight | None) -> Piece:
        if asking.unread and not self.has_room(want, asking):
            [held], asking = await self.held([want.key]), structs.replace(asking, unread=False)
            if usable := self.usable(want, held, asking):
                return usable
        if instead := self.turned_away(want, held, asking):
            return instead
        self._enter(want, asking)
        try:
            filled = await self._in_time(want, held, asking, begun)
        finally:
            self.leave(want, asking)
        if (piece := self._piece(want, held, filled, asking)) is not None:
            return piece
        asking = structs.replace(asking, unread=False)
        return self.usable(want, filled.held, asking) or await self._loaded(want, filled.held, asking, None)

    def _counts(self, asking: Asking) -> bool:
        """What is refreshed behind answers is bounded there, and takes no reader's place."""
        return not asking.behind

    def _enter(self, want: Want, asking: Asking) -> None:
        if self._counts(asking):
            self._crowd.enter(want)

    def _piece(self, want: Want, held: Entry | None, filled: Filled, asking: Asking) -> Piece | None:
        if filled.entry:
            if not filled.loaded:
                self._restamping.consider(want.key, filled.entry)
            return Piece(filled.entry, loaded=filled.loaded, kept=filled.kept)
        return self._fallen_back(filled.held or held, filled, asking) if filled.failure else None

    async def _in_time(self, want: Want, held: Entry | None, asking: Asking, begun: Flight | None) -> Filled:
        if asking.expires_at == inf:
            return await self._filler.fill(want, held, asking, begun)
        try:
            async with asyncio.timeout_at(asking.expires_at) as timeout:
                return await self._filler.fill(want, held, asking, begun)
        except TimeoutError:
            if not timeout.expired():
                raise
            return Filled(None, _LATE)

    def _fallen_back(self, held: Entry | None, filled: Filled, asking: Asking) -> Piece:
        ledger = self._known.ledger
        if held is None or not may_fall_back(held, ledger, self._known.clock.now()):
            return Piece(None, filled.failure, loaded=filled.loaded)
        if asking.only_current and not held.is_current(ledger):
            return Piece(None, filled.failure, loaded=filled.loaded)
        state = _STATES.get(self._known.standing(held), State.STALE)
        return Piece(held, filled.failure, state, loaded=filled.loaded)
