"""One run: publishers and readers around a stage on which faults happen, and the report of what the readers saw."""

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count

import orjson

from aggregator.invalidation.log import LogUnavailable
from aggregator.publisher import Publisher
from tests.chaos.growth import Sample, judged_growth, watch
from tests.chaos.judge import BOUND, FOR_EVER, Late, Report, Seen, Window, judged
from tests.chaos.schedule import Schedule, scheduled
from tests.chaos.stage import IDS, MBUS, PROXIED, SCREENS, WORKERS, Stage, helper, stage
from tests.fleet import KEY
from tests.raw_client import Client
from tests.running import Got

INVALIDATIONS = 200  # a second
READS = 150  # a second, of each worker
READERS = 3
ANSWERED_WITHIN = 8.0
_SLOT = re.compile(r'"(\w+)";state=(\w+)')
_MARKS = {"stale", "overtaken", "unproven"}


class Run:
    """taken: what each worker takes that no fault ends. acked: by object, when each version's invalidation was
    acknowledged, version 0 first."""

    def __init__(self, stage: Stage, seed: int, schedule: Schedule = scheduled) -> None:
        self.seen = Seen()
        self.published = 0
        self.taken: list[list[Sample]] = [[] for _ in range(PROXIED)]
        self._stage = stage
        self._seed = seed
        self._schedule = schedule
        self._acked: dict[str, list[float]] = defaultdict(lambda: [float("-inf")])
        self._newest: dict[tuple[int, str, str], tuple[float, int]] = {}
        self._ids = count()

    async def play(self, seconds: float) -> None:
        """Read and publish while faults happen; then everything has to be right everywhere."""
        draw = random.Random(self._seed)
        objects = [f"/{name}/{id}" for name in MBUS for id in IDS]
        async with Publisher(self._stage.redis.url, self._stage.namespace, deadline=60) as log:
            readers = [asyncio.create_task(self._read_on(n % WORKERS)) for n in range(WORKERS * READERS)]
            readers += [asyncio.create_task(watch(self._pid(n), taken)) for n, taken in enumerate(self.taken)]
            publishers = [asyncio.create_task(self._publish_on(path, len(objects), log)) for path in objects]
            await self._schedule(self._stage, draw, seconds)
            for task in publishers:
                task.cancel()
            ended = await asyncio.gather(*publishers, return_exceptions=True)
            for task in readers:
                task.cancel()
            ended += await asyncio.gather(*readers, return_exceptions=True)
            for error in ended:
                if not isinstance(error, asyncio.CancelledError):
                    raise AssertionError(f"a reader, publisher or watcher ended: {error!r}") from error
        await self._settle()

    def _pid(self, worker: int) -> int:
        [pid] = self._stage.services[worker].descendants()
        return pid

    async def _publish_on(self, path: str, publishers: int, log: Publisher) -> None:
        draw = random.Random(f"{self._seed} {path}")
        async with Client(self._stage.mbu_url) as mbu:
            while True:
                await asyncio.sleep(draw.expovariate(INVALIDATIONS / publishers))
                await self._stage.commit(mbu, path)
                await self._publish(path.strip("/").replace("/", ":"), draw.random() < 0.5, log)
                self._acked[path].append(time.monotonic())
                self.published += 1

    async def _publish(self, tag: str, direct: bool, log: Publisher) -> None:
        """Until it is acknowledged."""
        id = f"e{next(self._ids)}"
        for attempt in count():
            try:
                if direct:
                    await log.invalidate([tag], id)
                    return
                async with asyncio.timeout(3):
                    if await self._posted(tag, id, attempt):
                        return
            except (LogUnavailable, OSError, EOFError, TimeoutError):
                pass
            await asyncio.sleep(0.1)

    async def _posted(self, tag: str, id: str, attempt: int) -> bool:
        service = self._stage.services[(int(id[1:]) + attempt) % WORKERS]
        headers = {"authorization": f"Bearer {KEY['PROOF_KEY']}"}
        async with Client(service.admin_url) as admin:
            got = await admin.ask("/invalidations", "POST", orjson.dumps({"tags": [tag], "id": id}), headers)
        self.seen.defects += [] if got.status in (202, 503) else [f"POST /invalidations: {got}"]
        return got.status == 202

    async def _read_on(self, worker: int) -> None:
        draw, url, client = random.Random(), "", Client("http://x")
        while True:
            if url != self._stage.services[worker].url:
                url = self._stage.services[worker].url
                client = Client(url)
            screen, id = draw.choice([*SCREENS]), draw.choice(IDS)
            await self._read(client, worker, screen, id)
            await asyncio.sleep(draw.expovariate(READS / READERS))

    async def _read(self, client: Client, worker: int, screen: str, id: int) -> bool:
        """One read, noted; True if all of it is fresh and unmarked."""
        begun, troubled = time.monotonic(), self._troubled(worker)
        self.seen.asked += 1
        try:
            async with asyncio.timeout(ANSWERED_WITHIN):
                got = await client.ask(f"/{screen}/{id}")
        except (OSError, EOFError, TimeoutError) as error:
            self._lose(troubled or self._troubled(worker), f"{screen}/{id} of worker {worker}: {error!r}")
            return False
        if got.status != 200 or "failed" in got.headers["aggregator-slots"]:
            words = (
                f"{screen}/{id} of worker {worker}: {got.status} {got.headers.get('cache-status')} {got.body[:200]!r}"
            )
            self._lose(troubled or self._troubled(worker), words)
            self.seen.defects += [words] if got.status == 500 else []
        if got.status != 200:
            return False
        values = [self._value(begun, worker, screen, id, slot, got) for slot in SCREENS[screen]]
        return all(values)

    def _troubled(self, worker: int) -> bool:
        return worker in self._stage.down

    def _lose(self, excused: bool, words: str) -> None:
        if excused:
            self.seen.excused += 1
        else:
            self.seen.lost.append(f"at {time.monotonic():.3f} {words}")

    def _value(self, begun: float, worker: int, screen: str, id: int, slot: str, got: Got) -> bool:
        part = got.json["data"][slot]
        if part is None:
            return False
        path, version = f"/{slot}/{id}", part["v"]
        states = dict(_SLOT.findall(got.headers["aggregator-slots"]))
        marked = states[slot] in _MARKS or "unproven" in got.headers["cache-status"]
        acked = self._acked[path]
        self.seen.begun[worker].append(begun)
        missed = acked[version + 1] if version + 1 < len(acked) else float("inf")
        words = (
            f"{screen}{path} of worker {worker} at {begun:.3f}: version {version} of {len(acked) - 1}, the next one "
            f"acknowledged {begun - missed:.3f} s before; {got.headers['cache-status']}"
        )
        if begun > missed:
            self.seen.late.append(Late(worker, begun, missed, marked, words))
        ended, before = self._newest.get((worker, screen, path), (0.0, 0))
        # One whose invalidation has yet to come here may be followed by what the log takes for current.
        told = before < len(acked) and acked[before] + BOUND <= begun
        if version < before and begun > ended and told and not marked:
            self.seen.went_back.append(f"{words}; it gave {before} at {ended:.3f}")
        if version > before and not marked:
            self._newest[worker, screen, path] = (time.monotonic(), version)
        return begun - missed <= BOUND and not marked

    async def _settle(self) -> None:
        """Every screen of every worker is right within FOR_EVER."""
        await asyncio.sleep(1.0)
        by = time.monotonic() + FOR_EVER
        left = [(worker, screen, id) for worker in range(WORKERS) for screen in SCREENS for id in IDS]
        while left:
            left = [one async for one in self._wrong(left)]
            if left and time.monotonic() > by:
                self.seen.for_ever = [f"{screen}/{id} of worker {worker}" for worker, screen, id in left]
                return

    async def _wrong(self, wanted: list[tuple[int, str, int]]):  # type: ignore[no-untyped-def]
        for worker, screen, id in wanted:
            async with Client(self._stage.services[worker].url) as client:
                if not await self._read(client, worker, screen, id):
                    yield worker, screen, id


def lags(text: str) -> Iterator[Window]:
    """What the bystander said."""
    for line in text.splitlines():
        begun, _, ended = line.partition(" ")
        yield Window(float(begun), float(ended))


def run(seed: int, seconds: float) -> Report:
    """A stage of its own, and one run on it."""
    print(f"seed {seed}", flush=True)
    with stage() as made, helper("bystander") as bystander:
        one = Run(made, seed)
        asyncio.run(one.play(seconds))
        made.stop()
        one.seen.defects += made.tracebacks
        assert bystander.stdout
        bystander.stdout.seek(0)
        report = judged(one.seen, made.faults, list(lags(bystander.stdout.read())))
    for worker, taken in enumerate(one.taken):
        grown = judged_growth(worker, taken)
        report.lines += grown.lines
        report.wrong += grown.wrong
    played = ", ".join(f"{times} {name}" for name, times in Counter(fault.what for fault in made.faults).items())
    report.lines.insert(0, f"seed {seed}, {seconds:g} s: {one.published} invalidations, {one.seen.asked} answers")
    report.lines.insert(1, f"faults: {played}")
    return report
