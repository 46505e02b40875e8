"""The parent's view of its workers: starting them, asking them, starting them again, stopping them."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

from aggregator.http.exposition import Snapshot
from aggregator.http.health import Health
from aggregator.process.child import Worker
from aggregator.process.questions import Unanswered

_ANSWERED_WITHIN = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_STILLBORN_AT_MOST = 3
_log = structlog.get_logger()


class WorkersFail(Exception):
    """No worker lives long enough to say anything: replacing them again would be of no use."""

    def __init__(self) -> None:
        super().__init__("the workers end as soon as they start; the log above says why")


class Workers:
    """`count` workers that share one listening socket; one that ends is replaced.

    living: by number, those that answer for the service; beside them there are new ones that are not ready yet, and
    old ones that end.
    """

    def __init__(self, count: int, listening: socket.socket, orders: dict[str, Any]) -> None:
        self._count = count
        self._listening = listening
        self._orders = orders
        self._living: dict[int, Worker] = {}
        self._beside: set[Worker] = set()
        self._gone: list[Snapshot] = []
        self._ready = self._stopping = False
        self._one_reported = False

    async def run(self) -> None:
        """Keep them running until cancelled; WorkersFail if, from the first, none can be kept."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    group.create_task(self._keep(number))
        except ExceptionGroup as ended:
            _, defects = ended.split(WorkersFail)
            if defects:
                raise
            raise WorkersFail from None

    async def stop(self, seconds: float) -> None:
        """Let them finish what they are at; kill what is late. From now on the instance is not ready."""
        self._stopping = True
        workers = [*self._living.values(), *self._beside]
        for worker in workers:
            worker.tell(signal.SIGTERM)
        waits = [asyncio.create_task(worker.process.wait()) for worker in workers]
        if waits:
            await asyncio.wait(waits, timeout=seconds)
        for worker in workers:
            worker.tell(signal.SIGKILL)
            worker.close()
        await asyncio.gather(*waits)

    async def fleet(self) -> tuple[Health, list[Snapshot]]:
        """The health of all together, and the metrics of each, with what those gone had counted."""
        workers, beside = list(self._living.values()), list(self._beside)
        answered, _ = await asyncio.gather(_reported(workers), _reported(beside))
        healths = [Health(**worker.report["health"]) for worker, ok in zip(workers, answered, strict=True) if ok]
        complete = len(healths) == self._count
        # Once, for good: that a worker is replaced is told by the rest, and must not take the instance out.
        self._ready = self._ready or (complete and all(health.ready for health in healths))
        together = Health(
            self._ready and not self._stopping,
            complete and all(health.vouching for health in healths),
            self._orders["settings"]["when_unproven"],
            complete and all(health.l2 for health in healths),
            max((health.lag for health in healths), default=0),
        )
        # Those there are now: one that ended since they were asked is among the gone, and would be counted twice.
        there = [*self._living.values(), *self._beside]
        return together, [*(worker.report for worker in there if worker.report), *self._gone]

    async def snapshots(self) -> list[Snapshot]:
        """The metrics alone."""
        return (await self.fleet())[1]

    async def ask_all(self, name: str, argument: Any) -> list[dict[str, Any]]:
        """What each says to a question: its "pid" with its "answer", or with why it is "unanswered"."""
        return await asyncio.gather(*(_told(worker, name, argument) for worker in list(self._living.values())))

    async def reload(self, content: bytes) -> str:
        """Have all serve another declaration, one after another; where one does not, all keep what they have, and it
        gives why. Those that are started from now on begin with it."""
        before, self._orders["content"] = self._orders["content"], content
        if why := await self._go_over():
            self._orders["content"] = before
            await self._go_over()
        return why

    async def replace(self, seconds: float) -> str:
        """Replace all, one after another: each goes on until its successor is ready and takes connections, and is
        killed if it has not ended in so many seconds then. Gives why not all were replaced, or nothing."""
        for number in range(self._count):
            if (old := self._living.get(number)) and not await self._replaced(number, old, seconds):
                return "a new worker is not ready; the log above may say why"
        return ""

    async def _go_over(self) -> str:
        for number in range(self._count):
            worker, content = self._living.get(number), self._orders["content"]
            if worker and worker.content != content and (why := await worker.goes_over(content)):
                return why
        return ""

    async def _replaced(self, number: int, old: Worker, seconds: float) -> bool:
        new = await Worker.start(self._listening, {**self._orders, "ready_first": True})
        self._beside.add(new)
        serves = await new.serves()
        if not serves or self._living.get(number) is not old:  # it has ended and been replaced meanwhile
            await self._end(new, seconds)
            return serves
        self._beside.discard(new)
        self._beside.add(old)
        self._living[number] = new
        await self._end(old, seconds)
        return True

    async def _end(self, worker: Worker, seconds: float) -> None:
        await worker.reports()  # what it has counted is known then
        worker.tell(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await worker.process.wait()
        worker.tell(signal.SIGKILL)
        await worker.process.wait()
        self._beside.discard(worker)
        self._bury(worker)

    async def _start(self, number: int) -> None:
        worker = self._living[number] = await Worker.start(self._listening, self._orders)
        if worker.content != self._orders.get("content", b""):  # all went over while it was being started
            await worker.goes_over(self._orders["content"])

    async def _ended(self, number: int) -> tuple[Worker, int]:
        """Wait for the worker of this number, or for the last of those that take its place."""
        while True:
            worker = self._living[number]
            code = await worker.process.wait()
            if self._living[number] is worker:
                return worker, code

    async def _keep(self, number: int) -> None:
        pause, stillborn = _FIRST_PAUSE, 0
        while True:
            await self._start(number)
            began = asyncio.get_running_loop().time()
            worker, code = await self._ended(number)
            self._one_reported = self._one_reported or any(one.report for one in self._living.values())
            del self._living[number]
            self._bury(worker)
            _log.error("worker ended", pid=worker.process.pid, code=code)
            stillborn += not worker.report
            if stillborn >= _STILLBORN_AT_MOST and not self._one_reported:
                raise WorkersFail
            if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _bury(self, worker: Worker) -> None:
        """Counters must not go down because a worker did: what was last known of them is added to one total."""
        worker.close()
        counters = [count for gone in [*self._gone, worker.report] if gone for count in gone["counters"]]
        summed: dict[tuple[str, tuple[str, ...]], float] = {}
        for name, labels, value in counters:
            key = (name, tuple(labels))
            summed[key] = summed.get(key, 0) + value
        self._gone = [
            {"counters": [[name, list(labels), value] for (name, labels), value in summed.items()], "gauges": {}}
        ]


async def _reported(workers: Sequence[Worker]) -> list[bool]:
    return await asyncio.gather(*(worker.reports() for worker in workers))


async def _told(worker: Worker, name: str, argument: Any) -> dict[str, Any]:
    try:
        return {"pid": worker.process.pid, "answer": await worker.ask(name, argument, within=_ANSWERED_WITHIN)}
    except Unanswered as why:
        return {"pid": worker.process.pid, "unanswered": str(why)}
