"""The parent's view of its workers: starting them, asking them, starting them again, stopping them."""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

import structlog

from aggregator.http.exposition import Snapshot
from aggregator.http.health import Health
from aggregator.process.channel import Channel
from aggregator.process.questions import Asker, Unanswered

_ASKED_WITHIN = 1.0
_ANSWERED_WITHIN = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_STILLBORN_AT_MOST = 3
_log = structlog.get_logger()


class WorkersFail(Exception):
    """No worker lives long enough to say anything: replacing them again would be of no use."""

    def __init__(self) -> None:
        super().__init__("the workers end as soon as they start; the log above says why")


class Worker:
    """One child process. report: the last one it gave."""

    def __init__(self, process: asyncio.subprocess.Process, asker: Asker) -> None:
        self.process = process
        self.report: dict[str, Any] = {}
        self._asker = asker

    async def ask(self, name: str, argument: Any = None, within: float | None = None) -> Any:
        """Its answer to a question; Unanswered if there is none, or none within so many seconds."""
        return await self._asker.ask(name, argument, within)

    @classmethod
    async def start(cls, listening: socket.socket, orders: dict[str, Any]) -> "Worker":
        """Start a process and give it its orders, which are not on its command line: they may hold secrets."""
        ours, theirs = socket.socketpair()
        numbers = (theirs.fileno(), listening.fileno())
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "aggregator.process.worker",
            *map(str, numbers),
            pass_fds=numbers,
            # Ctrl-C at the terminal is for the parent, which lets its workers finish what they are at.
            start_new_session=True,
        )
        theirs.close()
        channel = await Channel.on(ours)
        with suppress(ConnectionError):  # it has ended already, which whoever waits for it will see
            await channel.send(orders)
        return cls(process, Asker(channel))

    async def reports(self) -> bool:
        """Have it report; False if it does not in time."""
        try:
            self.report = await self.ask("report", within=_ASKED_WITHIN)
        except Unanswered:
            return False
        return True

    def close(self) -> None:
        """Close the channel: what is still running stops."""
        self._asker.close()


class Workers:
    """`count` workers that share one listening socket; one that ends is replaced."""

    def __init__(self, count: int, listening: socket.socket, orders: dict[str, Any]) -> None:
        self._count = count
        self._listening = listening
        self._orders = orders
        self._living: dict[int, Worker] = {}
        self._gone: list[Snapshot] = []
        self._ready = False
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
        """Let them finish what they are at; kill what is late."""
        workers = list(self._living.values())
        for worker in workers:
            if worker.process.returncode is None:
                worker.process.send_signal(signal.SIGTERM)
        waits = [asyncio.create_task(worker.process.wait()) for worker in workers]
        if waits:
            await asyncio.wait(waits, timeout=seconds)
        for worker in workers:
            if worker.process.returncode is None:
                worker.process.kill()
            worker.close()
        await asyncio.gather(*waits)

    async def fleet(self) -> tuple[Health, list[Snapshot]]:
        """The health of all together, and the metrics of each, with what those gone had counted."""
        workers = list(self._living.values())
        answered = await asyncio.gather(*(worker.reports() for worker in workers))
        healths = [Health(**worker.report["health"]) for worker, ok in zip(workers, answered, strict=True) if ok]
        complete = len(healths) == self._count
        # Once, for good: that a worker is replaced is told by the rest, and must not take the instance out.
        self._ready = self._ready or (complete and all(health.ready for health in healths))
        together = Health(
            self._ready,
            complete and all(health.vouching for health in healths),
            complete and all(health.l2 for health in healths),
            max((health.lag for health in healths), default=0),
        )
        # Those living now: one that ended since they were asked is among the gone, and would be counted twice.
        return together, [*(worker.report for worker in self._living.values() if worker.report), *self._gone]

    async def snapshots(self) -> list[Snapshot]:
        """The metrics alone."""
        return (await self.fleet())[1]

    async def ask_all(self, name: str, argument: Any) -> list[dict[str, Any]]:
        """What each says to a question: its "pid" with its "answer", or with why it is "unanswered"."""
        return await asyncio.gather(*(_told(worker, name, argument) for worker in list(self._living.values())))

    async def _keep(self, number: int) -> None:
        pause, stillborn = _FIRST_PAUSE, 0
        while True:
            worker = self._living[number] = await Worker.start(self._listening, self._orders)
            began = asyncio.get_running_loop().time()
            code = await worker.process.wait()
            self._one_reported = self._one_reported or any(one.report for one in self._living.values())
            self._bury(number)
            _log.error("worker ended", pid=worker.process.pid, code=code)
            stillborn += not worker.report
            if stillborn >= _STILLBORN_AT_MOST and not self._one_reported:
                raise WorkersFail
            if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _bury(self, number: int) -> None:
        """Counters must not go down because a worker did: what was last known of them is added to one total."""
        worker = self._living.pop(number)
        worker.close()
        counters = [count for gone in [*self._gone, worker.report] if gone for count in gone["counters"]]
        summed: dict[tuple[str, tuple[str, ...]], float] = {}
        for name, labels, value in counters:
            key = (name, tuple(labels))
            summed[key] = summed.get(key, 0) + value
        self._gone = [
            {"counters": [[name, list(labels), value] for (name, labels), value in summed.items()], "gauges": {}}
        ]


async def _told(worker: Worker, name: str, argument: Any) -> dict[str, Any]:
    try:
        return {"pid": worker.process.pid, "answer": await worker.ask(name, argument, within=_ANSWERED_WITHIN)}
    except Unanswered as why:
        return {"pid": worker.process.pid, "unanswered": str(why)}
