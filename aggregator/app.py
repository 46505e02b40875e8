"""The service of one worker, put together: the only file that knows all the others."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from aggregator.clock import FleetClock
from aggregator.engine.background import Background
from aggregator.engine.compose import Composer
from aggregator.engine.crowd import Crowd
from aggregator.engine.explaining import Explaining
from aggregator.engine.fill import Filler, Knowledge
from aggregator.engine.foreseeing import Foreseeing
from aggregator.engine.noting import Noting
from aggregator.engine.parts import Parts
from aggregator.engine.reading import Reading
from aggregator.engine.refresh import Refreshing, Works
from aggregator.engine.restamp import Restamping
from aggregator.engine.serve import Screens
from aggregator.engine.taking import Taking
from aggregator.engine.warm_start import WarmStart
from aggregator.events import Event, Observer, Overtaken, Trouble
from aggregator.http.access import AccessLog, Logged
from aggregator.http.accounts import Accounts
from aggregator.http.blocks import Blocks
from aggregator.http.dates import Dates
from aggregator.http.direct import Direct
from aggregator.http.endpoints import PublicApp
from aggregator.http.explained import Explained
from aggregator.http.foreseen import foreseer
from aggregator.http.health import HEALTH_PATHS, Health
from aggregator.http.hits import Hits
from aggregator.http.inputs import InputReader
from aggregator.http.making import Making
from aggregator.http.meters import Meters, log_trouble
from aggregator.http.wire import Quick
from aggregator.identity.hashing import Hashing
from aggregator.identity.viewers import Viewers
from aggregator.invalidation.follower import Follower
from aggregator.invalidation.log import Log
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.address import Addresses
from aggregator.model.catalogue import Catalogue
from aggregator.model.heat import Heat
from aggregator.model.held import Held
from aggregator.model.hops import pairs_of
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from aggregator.model.route import Routes
from aggregator.model.screen import Screen
from aggregator.settings import Settings
from aggregator.sources import granting, loader, refreshing, source
from aggregator.tiers.guarded import Guarded
from aggregator.tiers.hot import HotList, LocalHotList, RedisHotList
from aggregator.tiers.link import Link
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.redis import RedisTier
from aggregator.tiers.server import Server
from aggregator.tiers.tier import SharedTier
from cache_policies.eviction.choice import chosen
from cache_policies.eviction.eviction import Eviction
from loaders.lifespan import Lifespan
from loaders.loader import Loader

Answering = Callable[[Any], Awaitable[Any]]
_UNSHARED = secrets.token_bytes(32)
_NO_LIST = LocalHotList(capacity=0)


class Service:
    """Everything that one process needs to answer screens.

    tier, log and loaders (by MBU) are given, so that tests run the same service on scripted ones. hash_key: makes the
    hashes that stand for secrets in keys; the same in all processes of a fleet that share private entries. hot: the
    list of what the fleet's readers read most.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        tier: SharedTier,
        log: Log,
        loaders: Mapping[str, Loader],
        clock: FleetClock | None = None,
        draw: Callable[[], float] = lambda: 1.0 - random.random(),  # noqa: S311  # it spreads refreshes
        hash_key: bytes = _UNSHARED,
        hot: HotList = _NO_LIST,
    ) -> None:
        self._catalogue, self._settings = catalogue, settings
        self.meters = Meters()
        observe = self._observer()
        self._clock = clock or FleetClock()
        self._log, self._loaders = log, loaders
        self.ledger = Ledger()
        self._tier = Guarded(tier, self._clock.monotonic)
        eviction: Eviction[Held] = chosen(settings.l1_eviction, settings.l1_bytes)
        common = frozenset(tag for screen in catalogue.screens.values() for tag in screen.common_tags)
        self.memory = MemoryTier(settings.l1_bytes, self.ledger, eviction, common)
        self._addresses = Addresses(catalogue.screens.values(), HEALTH_PATHS)
        knowledge = Knowledge(self.ledger, self._clock, draw)
        sources = {name: source(fragment, catalogue, loaders) for name, fragment in catalogue.fragments.items()}
        grantings = {name: granting(fragment) for name, fragment in catalogue.fragments.items()}
        self._filler = Filler(self._tier, knowledge, sources, grantings, observe)
        self._crowd = Crowd(settings.max_waiters_per_key, settings.max_waiters, observe)
        self._background = Background(observe)
        self.reading = Reading(Heat(idle_after=settings.idle_after), self._clock)
        self._hot, self._noting = hot, Noting(self.reading.heat, hot, self._clock, self.ledger)
        self.screens = self._engine(catalogue.screens.values(), knowledge, observe)
        self.follower = Follower(
            log, self.ledger, self._clock, self._overtake, retention=settings.log_retention, on_notice=self._notice
        )
        self._observe = observe
        self._ready = False
        self._viewers = Viewers(catalogue.viewer_keys, self._clock.now)
        reader = InputReader(self._viewers, Hashing(hash_key))
        self._edge(catalogue.screens.values(), reader)
        self.answers = self._answers(catalogue, reader, knowledge)

    def _edge(self, screens: Collection[Screen], reader: InputReader) -> None:
        """What answers requests: `quick` those that it understands, `app` all."""
        routes, making, date = Routes(screens), Making(self.memory), Dates(self._clock.now)
        largest = self._settings.max_target_bytes, self._settings.max_header_bytes
        blocks = Blocks(reader, self._addresses, self._clock.now, largest[1])
        hits = Hits(
            self.memory,
            self.ledger,
            self._clock,
            blocks,
            making,
            self.meters.watch,
            self.reading.first_read,
            largest[0],
        )
        self.direct = Direct(hits, routes, self.screens, reader, making, date, largest)
        share = self._settings.access_log
        log = AccessLog(share, random.random) if share else None
        self.quick: Quick = Logged(self.direct, log) if log else self.direct
        self.app = PublicApp(routes, self.screens, reader, making, self.health, date, log)

    def _engine(self, screens: Collection[Screen], knowledge: Knowledge, observe: Observer) -> Screens:
        namespace, background = self._settings.namespace, self._background
        trust = self._settings.when_unproven == "serve"
        restamping = Restamping(self._tier, knowledge, background, self._settings.log_retention)
        lanes = {name: asyncio.Semaphore(mbu.max_refreshes) for name, mbu in self._catalogue.mbus.items()}
        parts = Parts(self._tier, knowledge, self._filler, restamping, lanes, self._crowd, trust)
        policies = {screen.name: refreshing(screen) for screen in screens}
        composer = Composer(namespace, self.memory, self._tier, parts, knowledge, policies, background)
        taking = Taking(self.memory, composer, restamping, knowledge)
        works = Works(self._addresses, self.memory, self._tier, composer, taking, knowledge, self.reading, background)
        self.refreshing = Refreshing(namespace, works, observe, self._settings.refresh_budget)
        self.warm_start = WarmStart(namespace, self._hot, self._addresses, self.memory, self._tier, taking)
        pairs = frozenset(pair for screen in screens for pair in pairs_of(screen))
        return Screens(
            namespace,
            self._addresses,
            self.memory,
            self._tier,
            composer,
            taking,
            self.refreshing,
            self.reading,
            knowledge,
            observe,
            pairs,
            trust,
        )

    def _answers(self, catalogue: Catalogue, reader: InputReader, knowledge: Knowledge) -> dict[str, Answering]:
        """What this process can be asked about itself, by name."""
        explaining = Explaining(self._settings.namespace, self._addresses, self.memory, self._tier)
        accounts = Accounts(knowledge, self.reading, self._settings.when_unproven == "serve")
        return {
            "explain": Explained(Routes(catalogue.screens.values()), reader, explaining, accounts),
            "foresee": foreseer(Foreseeing(self.memory, self.reading, self.ledger, catalogue)),
        }

    async def run(self) -> None:
        """Follow the log until cancelled; an exception is a defect, and the end of the process."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follower.run())
            group.create_task(self.refreshing.run())
            group.create_task(self._noting.run())
            group.create_task(self._become_ready())

    async def close(self) -> None:
        """Finish what is under way behind answers, then give everything back."""
        await self.direct.close()
        await self._background.drain(self._settings.drain_limit)
        await self._filler.flights.close(self._settings.drain_limit)
        for one in self._loaders.values():
            await one.close()
        await self._viewers.close()
        await self._tier.close()
        await self._log.close()

    def health(self) -> Health:
        """How this worker is."""
        vouching = self.ledger.vouches(self._clock.monotonic())
        return Health(self._ready, vouching, self._tier.available, self.follower.lag)

    def snapshot(self) -> dict[str, Any]:
        """The worker's metrics, as `Exposition` reads them."""
        health = self.health()
        counters = [
            *self.meters.snapshot(),
            ["invalidations_applied", [], self.follower.applied],
            ["log_gaps", [], self.follower.gaps],
            ["log_epochs", [], self.follower.epochs],
            ["l1_evictions", [], self.memory.evictions],
        ]
        gauges = {
            "workers_ready": int(health.ready),
            "workers_vouching": int(health.vouching),
            "log_lag_records": health.lag,
            "l1_bytes": self.memory.size,
            "l1_views": len(self.memory),
            "ledger_tags": len(self.ledger),
            "flights": len(self._filler.flights),
            "refreshes_due": len(self.refreshing),
            "waiters": self._crowd.size,
            "background_tasks": len(self._background),
        }
        return {"counters": counters, "gauges": gauges}

    async def _become_ready(self) -> None:
        time = asyncio.get_running_loop().time
        latest = time() + self._settings.startup_limit
        try:
            async with asyncio.timeout_at(latest):
                await self.follower.caught_up.wait()
        except TimeoutError:
            self._observe(Trouble("started_unproven", "the log could not be read in time; nothing is proved yet"))
        await self.warm_start.run(min(self._settings.warm_limit, latest - time()))
        self._ready = True

    def _overtake(self, tag: str, position: Position) -> None:
        barrier = self.ledger.barrier
        if views := self.memory.overtake(tag, position):
            self._observe(Overtaken(len(views)))
            self.refreshing.overtaken(views, position)
        if self.ledger.barrier > barrier:
            self.refreshing.barrier_raised()

    def _notice(self, what: str, detail: str) -> None:
        self._observe(Trouble(what, detail))

    def _observer(self) -> Observer:
        def observe(event: Event) -> None:
            self.meters(event)
            log_trouble(event)

        return observe


def connect(catalogue: Catalogue, settings: Settings, redis_url: str, log_url: str, hash_key: bytes) -> Service:
    """The service on real parts."""
    pipeline = Pipeline(Link(Server.of(redis_url)), settings.l2_budget)
    tier, hot = RedisTier(pipeline), RedisHotList(pipeline, settings.namespace)
    log = RedisLog(log_url, settings.namespace)
    lifespans: dict[str, Lifespan] = {}
    loaders = {name: loader(mbu, lifespans) for name, mbu in catalogue.mbus.items()}
    return Service(catalogue, settings, tier, log, loaders, hash_key=hash_key, hot=hot)
