"""One process of the fleet, as far as the log is concerned: a follower with its ledger, and what it was told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aggregator.clock import FleetClock
from aggregator.invalidation.follower import Follower
from aggregator.invalidation.log import Log
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position


@dataclass
class Process:
    """overtaken: the tags it was told of, with their positions. notices: the kinds of what people should know."""

    log: Log
    retention: float = 3600.0
    overtaken: list[tuple[str, Position]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FleetClock(asyncio.get_running_loop().time, wall=0.0)
        self.ledger = Ledger()
        self.follower = Follower(
            self.log,
            self.ledger,
            self.clock,
            lambda tag, position: self.overtaken.append((tag, position)),
            retention=self.retention,
            on_notice=lambda kind, words: self.notices.append(kind),
        )

    @property
    def vouches(self) -> bool:
        return self.ledger.vouches(self.clock.monotonic())


@asynccontextmanager
async def following(log: Log, retention: float = 3600.0) -> AsyncIterator[Process]:
    """A process that follows until the block ends, and is at the head when it begins."""
    process = Process(log, retention)
    task = asyncio.create_task(process.follower.run())
    try:
        async with asyncio.timeout(30):
            await process.follower.caught_up.wait()
            await until(lambda: process.vouches)
        yield process
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool]) -> None:
    """Wait for what comes by itself, looking often; the caller sets the limit."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  # there is no event in another process
            await asyncio.sleep(0.01)
