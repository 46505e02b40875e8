"""One run: publishers and readers around a stage on which faults happen, and the report of what the readers saw."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator

from aggregator.publisher import Publisher
from tests.chaos.growth import Sample, judged_growth, watch
from tests.chaos.judge import Report, judged
from tests.chaos.publishers import Publishers
from tests.chaos.readers import READERS, Readers
from tests.chaos.schedule import Schedule, scheduled
from tests.chaos.seen import Seen, Window
from tests.chaos.stage import OBJECTS, PROXIED, WORKERS, Stage, helper, stage
from tests.chaos.values import Values


class Run:
    """taken: what each worker takes that no fault ends."""

    def __init__(self, stage: Stage, seed: int, schedule: Schedule = scheduled) -> None:
        self.seen = Seen()
        values = Values(self.seen)
        self.publishers = Publishers(stage, seed, self.seen, values)
        self.taken: list[list[Sample]] = [[] for _ in range(PROXIED)]
        self._readers = Readers(stage, self.seen, values)
        self._stage = stage
        self._seed = seed
        self._schedule = schedule

    async def play(self, seconds: float) -> None:
        """Read and publish while faults happen; then everything has to be right everywhere."""
        async with Publisher(self._stage.redis.url, self._stage.namespace, deadline=60) as log:
            readers = [asyncio.create_task(self._readers.read_on(n % WORKERS)) for n in range(WORKERS * READERS)]
            readers += [asyncio.create_task(watch(self._pid(n), taken)) for n, taken in enumerate(self.taken)]
            publishers = [asyncio.create_task(self.publishers.publish_on(path, log)) for path in OBJECTS]
            await self._schedule(self._stage, random.Random(self._seed), seconds)
            await _cancel(publishers)
            await _cancel(readers)
        await self._readers.settle()

    def _pid(self, worker: int) -> int:
        [pid] = self._stage.services[worker].descendants()
        return pid


async def _cancel(tasks: "list[asyncio.Task[None]]") -> None:
    """AssertionError if one of them had ended before."""
    for task in tasks:
        task.cancel()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(error, asyncio.CancelledError):
            raise AssertionError(f"a reader, publisher or watcher ended: {error!r}") from error


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
    report.lines.insert(
        0, f"seed {seed}, {seconds:g} s: {one.publishers.published} invalidations, {one.seen.asked} answers"
    )
    report.lines.insert(1, f"faults: {played}")
    return report
