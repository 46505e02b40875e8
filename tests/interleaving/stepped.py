"""L2, the log and an MBU of which whatever happens there is a step, and its reply another."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from aggregator.invalidation.local import LocalLog
from aggregator.invalidation.log import Batch
from aggregator.model.position import Position
from aggregator.tiers.local import LocalTier
from loaders.loader import LoadRequest, Outcome
from tests.interleaving.steps import Steps
from tests.world import Shop

T = TypeVar("T")


class SteppedTier(LocalTier):
    """Each call is at the server in one step and its reply is there in another."""

    steps: Steps

    def _after_travel(self, act: Callable[[], T]) -> "asyncio.Future[T]":
        async def travel() -> T:
            await self.steps.reach("L2 acts")
            done = act()
            await self.steps.reach("L2 replies")
            return done

        return asyncio.get_running_loop().create_task(travel())


class SteppedLog(LocalLog):
    """A record is appended in one step, and delivered to each process in one of its own."""

    steps: Steps

    async def append(self, tags: Sequence[str], *, id: str | None = None, by: str | None = None) -> Position:
        await self.steps.reach("log appends")
        return await super().append(tags, id=id, by=by)

    async def read(self, after: str, count: int, block: float) -> Batch:
        batch = await super().read(after, count, block)
        if batch.records:
            await self.steps.reach("log delivers")
        return batch


class SteppedShop(Shop):
    """It reads its value in one step and its answer is there in another."""

    steps: Steps

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        await self.steps.reach(f"MBU reads {requests[0].target}")
        outcomes = [self._outcome(request) for request in requests]
        await self.steps.reach(f"MBU replies {requests[0].target}")
        return outcomes
