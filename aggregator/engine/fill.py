"""Filling loads one fragment for whoever wants it: flight, lease, the position before the load, the MBU, the store."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aggregator.clock import FleetClock
from aggregator.engine.asking import Asking
from aggregator.engine.flights import Filled, Flight, Flights, Landing
from aggregator.engine.grant import Granting, Load, validators
from aggregator.engine.leases import Leases
from aggregator.engine.settling import until_settled
from aggregator.events import Called, Joined, Observer
from aggregator.model.entry import Entry
from aggregator.model.hops import HEADER
from aggregator.model.ledger import Ledger
from aggregator.model.plan import Want
from aggregator.model.position import Position
from aggregator.model.standing import Standing, forgotten, standing
from aggregator.tiers.tier import Lease, SharedTier
from loaders.gathering import Ask, asking
from loaders.loader import Failed, Loader, LoadRequest, Outcome, Reason

Draw = Callable[[], float]
# Reasons that say something of this process, and nothing of the MBU that another process should believe.
OUR_OWN = frozenset({Reason.SHED, Reason.BREAKER, Reason.DEFECT})


@dataclass(frozen=True, slots=True)
class Source:
    """Who is asked for a fragment. deadline: seconds that queueing and answer may take together. settle: seconds after
    an invalidation until which what is answered may be old still."""

    loader: Loader
    deadline: float
    settle: float = 0.0
    ask: Ask = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ask", asking(self.loader))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What an engine reads time and truth from. draw: uniform in (0, 1]."""

    ledger: Ledger
    clock: FleetClock
    draw: Draw

    @property
    def vouches(self) -> bool:
        """Does this process know that it is at the head of the log?"""
        return self.ledger.vouches(self.clock.monotonic())

    def standing(self, entry: Entry, ahead: float = 0.0) -> Standing:
        """How an entry stands now."""
        return standing(entry, self.ledger, self.clock.now(), self.vouches, ahead)


class Filler:
    """sources and grantings by fragment."""

    def __init__(
        self,
        tier: SharedTier,
        knowledge: Knowledge,
        sources: Mapping[str, Source],
        grantings: Mapping[str, Granting],
        observe: Observer,
    ) -> None:
        self._tier = tier
        self._known = knowledge
        self._sources = sources
        self._grantings = grantings
        self._observe = observe
        self._leases = Leases(tier, knowledge.ledger, observe)
        self.flights = Flights(knowledge.ledger, observe)

    def begin(self, want: Want, old: Entry | None, asking: Asking) -> Flight:
        """The flight that will give `want`, as `fill` does where its result is good for this caller."""
        return self.flights.board(want, asking.since, partial(self._fly, want, old, asking))

    async def fill(self, want: Want, old: Entry | None, asking: Asking, begun: Flight | None = None) -> Filled:
        """An entry loaded for `want`, by whomever, that is good for this caller; or the failure. Neither, where nobody
        had looked into L2 yet and it holds an entry that is not good for everybody: that is given as `held`.

        old: what is held already, for its validators. begun: what `begin` gave.
        """
        return await self.flights.join(want, asking.since, partial(self._fly, want, old, asking), begun)

    async def _fly(self, want: Want, old: Entry | None, asking: Asking) -> Landing:
        """The deadline is counted anew from when the MBU is asked: a load that got only what waiting for another
        process left of it would fail, and its failure be shared, though the MBU is well."""
        since, deadline = self._known.ledger.head, self._sources[want.fragment.name].deadline
        good = partial(self._good, since=since, ahead=asking.ahead)
        claim = await self._leases.obtain(want, good, _now() + deadline, asking.unread)
        held = claim.entry or old
        if held and forgotten(held, self._known.ledger):
            held = None  # nor may a 304 bring it back
        if claim.entry and good(claim.entry):
            return Landing(Filled(claim.entry), _nothing)
        if claim.failure:
            self._observe(Joined("failure"))
            return Landing(Filled(None, claim.failure, held=held), _nothing)
        if claim.entry and held and not claim.lease:
            # Not kept: whoever goes on from it must not join this flight again.
            return Landing(Filled(None, held=held, kept=False), _nothing)
        with self._leases.held(claim.lease):
            filled = await self._load(want, held, asking.hops.header(want.fragment.name), _now() + deadline)
        return Landing(filled, partial(self._settle, want, filled, claim.lease))

    def _good(self, entry: Entry, since: Position, ahead: float) -> bool:
        """Need nothing be loaded, since this came meanwhile?"""
        fresh = self._known.standing(entry, ahead) is Standing.FRESH
        return fresh and self._known.ledger.good_for(since, entry.tags, entry.position)

    async def _load(self, want: Want, old: Entry | None, hops: str, expires_at: float) -> Filled:
        """Ask the MBU. The head is noted before anything is sent: what is invalidated from then on overtakes this
        load, whatever its answer holds and whichever tags are only learned from it.
        """
        position, at, began = self._known.ledger.head, self._known.clock.now(), self._known.clock.monotonic()
        headers = {**want.headers, **validators(old), HEADER: hops}
        request = LoadRequest(want.target, headers, want.values, expires_at, want.fragment.name)
        source = self._sources[want.fragment.name]
        outcome = await source.ask(request)
        cost = self._known.clock.monotonic() - began
        self._observe(_called(want, outcome, cost))
        load = Load(want, old, position, at, cost, self._known.draw())
        filled = self._grantings[want.fragment.name].fill(load, outcome)
        if filled.entry and source.settle:
            entry = until_settled(filled.entry, self._known.ledger, source.settle, want.fragment.serves_overtaken)
            filled = filled._replace(entry=entry)
        return filled._replace(held=old) if old else filled

    def _settle(self, want: Want, filled: Filled, lease: Lease | None) -> "asyncio.Future[Any] | None":
        keep = filled.entry and filled.kept and filled.entry.kept_for > 0
        if filled.entry and keep and not forgotten(filled.entry, self._known.ledger):
            return self._tier.store(want.key, filled.entry, lease)
        if lease is None:
            return None
        shared = filled.failure and filled.failure.reason not in OUR_OWN
        return self._tier.release(lease, filled.failure if shared else None, unshared=filled.entry is not None)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _nothing() -> None:
    """What came from L2 is there already."""


def _called(want: Want, outcome: Outcome, seconds: float) -> Called:
    fragment = want.fragment
    if isinstance(outcome, Failed):
        return Called(fragment.mbu, fragment.name, outcome.reason.value, seconds, outcome.detail)
    return Called(fragment.mbu, fragment.name, type(outcome).__name__.lower(), seconds)
