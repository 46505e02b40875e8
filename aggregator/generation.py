"""A generation is what one declaration decides in a running worker; the next one takes over what is still valid."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aggregator.engine.background import Background
from aggregator.engine.comparing import Comparing
from aggregator.engine.compose import Composer
from aggregator.engine.crowd import Crowd
from aggregator.engine.explaining import Explaining
from aggregator.engine.fill import Filler, Knowledge
from aggregator.engine.foreseeing import Foreseeing
from aggregator.engine.parts import Parts
from aggregator.engine.reading import Reading
from aggregator.engine.refresh import Refreshing, Works
from aggregator.engine.restamp import Restamping
from aggregator.engine.serve import Screens
from aggregator.engine.taking import Taking
from aggregator.events import Observer
from aggregator.http.accounts import Accounts
from aggregator.http.blocks import Blocks
from aggregator.http.cors import Sharing
from aggregator.http.explained import Explained
from aggregator.http.foreseen import foreseer
from aggregator.http.health import HEALTH_PATHS
from aggregator.http.inputs import InputReader
from aggregator.http.offer import Offer
from aggregator.identity.viewers import Viewers
from aggregator.model.address import Addresses
from aggregator.model.catalogue import Catalogue, Mbu
from aggregator.model.hops import pairs_of
from aggregator.model.route import Routes
from aggregator.model.screen import Screen
from aggregator.sources import granting, refreshing, source
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.nowhere import Nowhere
from aggregator.tiers.tier import SharedTier
from loaders.loader import Loader

Loading = Callable[[Mbu], Loader]
Answering = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Lasting:
    """What all generations of a worker share. hashing: see `InputReader`. trust_unproven: see `Screens`.
    largest_headers: bytes."""

    namespace: str
    memory: MemoryTier
    tier: SharedTier
    knowledge: Knowledge
    restamping: Restamping
    reading: Reading
    crowd: Crowd
    background: Background
    observe: Observer
    hashing: Callable[[str], str]
    trust_unproven: bool
    largest_headers: int


class Generation:
    """loaders: by MBU. addresses: of its screens' views."""

    def __init__(
        self,
        lasting: Lasting,
        catalogue: Catalogue,
        addresses: Addresses,
        loaders: Mapping[str, Loader],
        viewers: Viewers,
    ) -> None:
        self.catalogue, self.addresses = catalogue, addresses
        self.loaders, self.viewers = loaders, viewers
        self._lasting = lasting
        sources = {name: source(fragment, catalogue, loaders) for name, fragment in catalogue.fragments.items()}
        grantings = {name: granting(fragment) for name, fragment in catalogue.fragments.items()}
        self._filler = Filler(lasting.tier, lasting.knowledge, sources, grantings, lasting.observe)
        # Flights of its own: no reader joins what is loaded for an audit, nor the other way round.
        self._asker = Filler(Nowhere(), lasting.knowledge, sources, grantings, lasting.observe)
        self.flights = self._filler.flights

    @classmethod
    def first(
        cls, lasting: Lasting, catalogue: Catalogue, loaders: Mapping[str, Loader], viewers: Viewers
    ) -> "Generation":
        """The one that a worker begins with."""
        return cls(lasting, catalogue, Addresses(catalogue.screens.values(), HEALTH_PATHS), loaders, viewers)

    def next(self, declared: Catalogue, loading: Loading) -> "Generation":
        """The one that follows: made of the same objects as this one where what is declared is equal. loading: makes
        the loader of an MBU that is new or changed; what it raises is raised."""
        catalogue, known = declared.keeping(self.catalogue), self.addresses.signatures
        addresses = Addresses(catalogue.screens.values(), HEALTH_PATHS, known)
        screens = {name: self._or_another(screen, addresses) for name, screen in catalogue.screens.items()}
        addresses = Addresses(screens.values(), HEALTH_PATHS, known)
        loaders = {
            name: self.loaders[name] if self.catalogue.mbus.get(name) is mbu else loading(mbu)
            for name, mbu in catalogue.mbus.items()
        }
        viewers = self.viewers.renewed(catalogue.viewer_keys)
        return Generation(self._lasting, replace(catalogue, screens=screens), addresses, loaders, viewers)

    def _or_another(self, screen: Screen, addresses: Addresses) -> Screen:
        """The screen, or one that is equal and not the same where another screen now takes a target of its, or no
        longer does: what is held under that target would answer for the wrong one."""
        kept = self.catalogue.screens.get(screen.name) is screen
        return replace(screen) if kept and not addresses.alike(screen, self.addresses) else screen

    @cached_property
    def blocks(self) -> Blocks:
        """What is remembered of clients' header lines."""
        known = self._lasting.knowledge
        largest = self._lasting.largest_headers
        return Blocks(self._reader, self.addresses, known.clock.now, largest, sharing=self._sharing)

    @cached_property
    def works(self) -> Works:
        """What composes its views."""
        one, composer = self._lasting, self._composer
        taking = Taking(one.memory, composer, one.restamping, one.knowledge)
        return Works(self.addresses, one.memory, one.tier, composer, taking, one.knowledge, one.reading, one.background)

    @cached_property
    def comparing(self) -> Comparing:
        """What holds its views against what its MBUs say."""
        return Comparing(self._lasting.namespace, self.works, self._parts(Nowhere(), self._asker))

    async def land(self, seconds: float) -> None:
        """Let its loads land, or cancel what is late."""
        await asyncio.gather(self._filler.flights.close(seconds), self._asker.flights.close(seconds))

    @cached_property
    def answers(self) -> dict[str, Answering]:
        """What the worker can be asked about itself, by name."""
        one, known = self._lasting, self._lasting.knowledge
        explaining = Explaining(one.namespace, self.addresses, one.memory, one.tier)
        accounts = Accounts(known, one.reading, one.trust_unproven)
        routes = Routes(self.catalogue.screens.values())
        return {
            "explain": Explained(routes, self._reader, explaining, accounts),
            "foresee": foreseer(Foreseeing(one.memory, one.reading, known.ledger, self.catalogue)),
        }

    def offer(self, refreshing: Refreshing) -> Offer:
        """What requests are answered out of. refreshing: is told what they are given that should be newer."""
        routes = Routes(self.catalogue.screens.values())
        return Offer(routes, self._screens(refreshing), self._reader, self._sharing)

    def not_in(self, other: "Generation") -> list[Screen]:
        """The screens that the other one does not have as they are here."""
        return [one for one in self.catalogue.screens.values() if other.catalogue.screens.get(one.name) is not one]

    @cached_property
    def _reader(self) -> InputReader:
        return InputReader(self.viewers, self._lasting.hashing)

    @cached_property
    def _sharing(self) -> Sharing:
        return Sharing(self.catalogue.cors, self.catalogue.screens.values())

    @cached_property
    def _composer(self) -> Composer:
        one = self._lasting
        parts = self._parts(one.tier, self._filler)
        policies = {screen.name: refreshing(screen) for screen in self.catalogue.screens.values()}
        return Composer(one.namespace, one.memory, one.tier, parts, one.knowledge, policies, one.background)

    @cached_property
    def _lanes(self) -> dict[str, asyncio.Semaphore]:
        return {name: asyncio.Semaphore(mbu.max_refreshes) for name, mbu in self.catalogue.mbus.items()}

    def _parts(self, tier: SharedTier, filler: Filler) -> Parts:
        one = self._lasting
        return Parts(tier, one.knowledge, filler, one.restamping, self._lanes, one.crowd, one.trust_unproven)

    def _screens(self, refreshing: Refreshing) -> Screens:
        one, works = self._lasting, self.works
        return Screens(
            one.namespace,
            self.addresses,
            one.memory,
            one.tier,
            works.composer,
            works.taking,
            refreshing,
            one.reading,
            one.knowledge,
            one.observe,
            frozenset(pair for screen in self.catalogue.screens.values() for pair in pairs_of(screen)),
            one.trust_unproven,
        )
