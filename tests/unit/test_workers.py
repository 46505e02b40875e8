"""Workers that end are replaced, but for those that never once lived to report."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from aggregator.process.child import Worker
from aggregator.process.workers import Workers, WorkersFail
from tests.virtual_time import run


class Life:
    """A scripted worker process: it ends after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.pid, self.returncode = 1, None

    async def wait(self) -> int:
        await asyncio.sleep(self.seconds)
        return 1


class Mute:
    """A channel that nobody uses."""

    def close(self) -> None:
        pass


def lives(monkeypatch: pytest.MonkeyPatch, script: Sequence[tuple[float, bool]]) -> Iterator[Worker]:
    """Workers that live for so long and report, or do not; the last one's life is repeated. Gives each as it starts."""
    started: list[Worker] = []

    async def start(*_: Any) -> Worker:
        seconds, reports = script[min(len(started), len(script) - 1)]
        worker = Worker(Life(seconds), Mute())  # type: ignore[arg-type]
        worker.report = {"counters": [], "gauges": {}} if reports else {}
        started.append(worker)
        return worker

    monkeypatch.setattr(Worker, "start", start)
    return iter(started)


def kept(count: int, seconds: float = 100.0) -> None:
    """Keep `count` workers for a time."""

    async def main() -> None:
        async with asyncio.timeout(seconds):
            with socket.socket() as listening:
                await Workers(count, listening, {}).run()

    with pytest.raises(TimeoutError):
        run(main())


@pytest.mark.parametrize("count", [1, 4])
def test_three_that_never_reported_are_enough(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps one from starting would keep the next: that is said, by one exception and not by a group."""
    started = lives(monkeypatch, [(0.2, False)])
    with pytest.raises(WorkersFail, match="the workers end as soon as they start; the log above says why"):
        kept(count)
    assert len(list(started)) == 3 * count


def test_where_one_reported_the_rest_are_replaced_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service can run: what ends then is a crash, and not a start that cannot be."""
    started = lives(monkeypatch, [(0.2, False), (0.2, False), (0.2, True), (0.2, False)])
    kept(1)
    assert len(list(started)) > 10


def test_one_that_lives_and_reported_counts_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker of two answers: the other is tried again and again."""
    started = lives(monkeypatch, [(1_000.0, True), (0.2, False)])
    kept(2)
    assert len(list(started)) > 10
