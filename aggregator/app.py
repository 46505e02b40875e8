"""The service of one worker, put together: the only file that knows all the others."""

import asyncio
import random
import secrets
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from aggregator.clock import FleetClock
from aggregator.engine.auditing import Auditing
from aggregator.engine.background import Background
from aggregator.engine.crowd import Crowd
from aggregator.engine.fill import Knowledge
from aggregator.engine.keeping import Keeping
from aggregator.engine.noting import Noting
from aggregator.engine.proving import Proving
from aggregator.engine.reaching import Reaching
from aggregator.engine.reading import Reading
from aggregator.engine.refresh import Refreshing
from aggregator.engine.restamp import Restamping
from aggregator.engine.serve import Screens
from aggregator.engine.warm_start import WarmStart
from aggregator.events import Event, Observer, Overtaken, Trouble
from aggregator.generation import Generation, Lasting, Loading
from aggregator.http.access import AccessLog, Logged
from aggregator.http.clients import Clients
from aggregator.http.connections import Connections
from aggregator.http.dates import Dates
from aggregator.http.direct import Direct
from aggregator.http.endpoints import PublicApp
from aggregator.http.health import Health
from aggregator.http.hits import Hits
from aggregator.http.making import Making
from aggregator.http.meters import Meters, log_trouble
from aggregator.http.min_position import MinPosition
from aggregator.http.offer import Offered
from aggregator.http.quick import Quick
from aggregator.http.rates import Rates
from aggregator.identity.hashing import Hashing
from aggregator.identity.viewers import Viewers
from aggregator.invalidation.follower import Follower
from aggregator.invalidation.log import Log
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.catalogue import Catalogue
from aggregator.model.heat import Heat
from aggregator.model.held import Held
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from aggregator.reloading import Reloading
from aggregator.settings import Settings
from aggregator.tiers.bounded import Bounded
from aggregator.tiers.guarded import Guarded, Guarding
from aggregator.tiers.hot import HotList, LocalHotList, RedisHotList
from aggregator.tiers.memory import MemoryTier
from aggregator.tiers.opened import Guard, opened
from aggregator.tiers.redis import RedisTier
from aggregator.tiers.tier import SharedTier
from cache_policies.eviction.choice import chosen
from cache_policies.eviction.eviction import Eviction
from loaders.loader import Loader

_UNSHARED = secrets.token_bytes(32)
_NO_LIST = LocalHotList(capacity=0)


class Service:
    """Everything that one process needs to answer screens.

    tier, log and loaders (by MBU) are given, so that tests run the same service on scripted ones. hash_key: makes the
    hashes that stand for secrets in keys; the same in all processes of a fleet that share private entries. hot: the
    list of what the fleet's readers read most. guard: makes the breaker around the tier.
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
        guard: Guard = Guarded,
    ) -> None:
        self._settings = settings
        self.meters = Meters()
        self._observe = self._observer()
        self._clock = clock or FleetClock()
        self._log = log
        self.ledger = Ledger()
        self._guard: Guarding = guard(tier, self._clock.monotonic, on_notice=self._notice)
        self._tier = Bounded(self._guard, settings.max_l2_entry)
        eviction: Eviction[Held] = chosen(settings.l1_eviction, settings.l1_bytes)
        self.memory = MemoryTier(settings.l1_bytes, self.ledger, eviction)
        self.memory.take(catalogue.screens.values())
        self._crowd = Crowd(settings.max_waiters_per_key, settings.max_waiters, self._observe)
        self._background = Background(self._observe)
        self.reading = Reading(Heat(idle_after=settings.idle_after), self._clock)
        self._noting = Noting(self.reading.heat, hot, self._clock, self.ledger)
        self._reaching = Reaching(log, self.ledger, self._background)
        self.follower = Follower(
            log,
            self.ledger,
            self._clock,
            self._overtake,
            on_moved=self._reaching.moved,
            retention=settings.log_retention,
            on_notice=self._notice,
        )
        self.ready = asyncio.Event()
        knowledge = Knowledge(self.ledger, self._clock, draw)
        restamping = Restamping(self._tier, knowledge, self._background, settings.log_retention)
        lasting = self._lasting(knowledge, restamping, Hashing(hash_key))
        self._keeping = Keeping(
            settings.namespace, lambda: self._reloading.now.works, restamping, settings.log_retention
        )
        viewers = Viewers(catalogue.viewer_keys, self._clock.now)
        self._begin(Generation.first(lasting, catalogue, loaders, viewers), hot)

    def _begin(self, first: Generation, hot: HotList) -> None:
        settings, works = self._settings, first.works
        namespace, observe = settings.namespace, self._observe
        self.refreshing = Refreshing(namespace, works, observe, settings.refresh_budget)
        self._proving = Proving(self.reading.heat, self.memory, self.ledger, self.refreshing.overtaken)
        self.warm_start = WarmStart(
            namespace, hot, first.addresses, self.memory, self._tier, works.taking, self.reading
        )
        self._auditing = Auditing(first.comparing, first.catalogue.audit, works.known, observe)
        self.reading.on_counted = self._auditing.note
        self._edge(first)
        self._reloading = Reloading(first, namespace, self._take_over, observe, settings.drain_limit)
        self.answers = {name: partial(self._answer, name) for name in first.answers} | {"audit": self._auditing.told}

    @property
    def catalogue(self) -> Catalogue:
        """What is declared."""
        return self._reloading.now.catalogue

    @property
    def screens(self) -> Screens:
        """What answers screens."""
        return self._offered.now.screens

    async def reload(self, catalogue: Catalogue, loading: Loading) -> None:
        """Serve what another declaration says, once its hot views are ready. loading: makes the loader of an MBU that
        is new or changed; what it raises is raised, and then nothing has changed."""
        await self._reloading.reload(catalogue, loading)

    async def _answer(self, name: str, argument: Any) -> Any:
        """What this process says when it is asked about itself."""
        return await self._reloading.now.answers[name](argument)

    def _lasting(self, knowledge: Knowledge, restamping: Restamping, hashing: Hashing) -> Lasting:
        settings, background = self._settings, self._background
        return Lasting(
            settings.namespace,
            self.memory,
            self._tier,
            knowledge,
            restamping,
            self.reading,
            self._crowd,
            background,
            self._observe,
            hashing,
            settings.when_unproven == "serve",
            settings.max_header_bytes,
        )

    def _edge(self, first: Generation) -> None:
        """What answers requests: `quick` those that it understands, `app` all. Connections hold on to it, so that it
        stays when the declaration changes."""
        making, date = Making(self.memory), Dates(self._clock.now)
        clients = Clients(self._settings.trusted_proxies, self._settings.forwarded_header)
        self.connections = Connections(self._settings.max_connections_per_client, clients)
        self._rates = Rates(self._settings.max_misses_per_client, self._clock.monotonic)
        largest = self._settings.max_target_bytes, self._settings.max_header_bytes
        self._hits = Hits(
            self.memory,
            self.ledger,
            self._clock,
            first.blocks,
            making,
            self.meters.watch,
            self.reading.first_read,
            largest[0],
        )
        self._offered = Offered(first.offer(self.refreshing))
        self.direct = Direct(self._hits, self._offered, making, date, largest, clients, self._rates)
        share = self._settings.access_log
        log = AccessLog(share, random.random, clients) if share else None
        self.quick: Quick = Logged(self.direct, log) if log else self.direct
        self.app = PublicApp(
            self._offered, making, MinPosition(self._reaching), self.health, clients, self._rates, date, log
        )

    def _take_over(self, new: Generation, changed: Collection[str]) -> None:
        self.refreshing.go_over(new.works)
        self._auditing.go_over(new.comparing, new.catalogue.audit)
        self._hits.go_over(new.blocks, changed)
        self._offered.now = new.offer(self.refreshing)

    async def run(self) -> None:
        """Follow the log until cancelled; an exception is a defect, and the end of the process."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follower.run())
            group.create_task(self.refreshing.run())
            group.create_task(self._proving.run())
            group.create_task(self._noting.run())
            group.create_task(self._auditing.run())
            group.create_task(self._keeping.run())
            group.create_task(self._become_ready())

    async def close(self) -> None:
        """Finish what is under way behind answers, then give everything back."""
        await self.direct.close()
        await self._background.drain(self._settings.drain_limit)
        await self._reloading.close(self._settings.drain_limit)
        await self._reloading.now.viewers.close()
        await self._tier.close()
        await self._log.close()

    def health(self) -> Health:
        """How this worker is."""
        vouching = self.ledger.vouches(self._clock.monotonic())
        mode = self._settings.when_unproven
        return Health(self.ready.is_set(), vouching, mode, self._guard.available, self.follower.lag)

    def snapshot(self) -> dict[str, Any]:
        """The worker's metrics, as `Exposition` reads them."""
        health = self.health()
        counters = [
            *self.meters.snapshot(),
            ["invalidations_applied", [], self.follower.applied],
            ["log_gaps", [], self.follower.gaps],
            ["log_epochs", [], self.follower.epochs],
            ["l1_evictions", [], self.memory.evictions],
            ["l1_too_large", [], self.memory.too_large],
            ["l2_too_large", [], self._tier.too_large],
            ["l2_failures", [], self._guard.failed],
            ["misses_refused", [], self._rates.refused],
            *(["connections_refused", [bound], count] for bound, count in self.connections.refused.items()),
        ]
        gauges = {
            "workers_ready": int(health.ready),
            "workers_vouching": int(health.vouching),
            "log_lag_records": health.lag,
            "l1_bytes": self.memory.size,
            "l1_views": len(self.memory),
            "ledger_tags": len(self.ledger),
            "flights": len(self._reloading.now.flights),
            "refreshes_due": len(self.refreshing),
            "audits_waiting": len(self._auditing),
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
        self.ready.set()

    def _overtake(self, tag: str, position: Position) -> None:
        if not len(self.memory):  # as at the start, when a million may be read
            return
        barrier = self.ledger.barrier
        if views := self.memory.overtake(tag, position):
            self._observe(Overtaken(len(views)))
            self.refreshing.overtaken(views, position)
        if self.ledger.barrier > barrier:
            self._proving.barrier_raised()

    def _notice(self, what: str, detail: str) -> None:
        self._observe(Trouble(what, detail))

    def _observer(self) -> Observer:
        def observe(event: Event) -> None:
            self.meters(event)
            log_trouble(event)

        return observe


def connect(
    catalogue: Catalogue, settings: Settings, redis_url: str, log_url: str, hash_key: bytes, loading: Loading
) -> Service:
    """The service on real parts. loading: makes the MBUs' loaders."""
    pipeline, guard = opened(redis_url, settings.l2_budget)
    tier, hot = RedisTier(pipeline), RedisHotList(pipeline, settings.namespace)
    log = RedisLog(log_url, settings.namespace)
    loaders = {name: loading(mbu) for name, mbu in catalogue.mbus.items()}
    return Service(catalogue, settings, tier, log, loaders, hash_key=hash_key, hot=hot, guard=guard)
