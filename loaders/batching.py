"""Batching joins the loads of one event-loop tick, for an MBU that can answer many at once."""

import asyncio
from collections.abc import Sequence

from loaders.loader import Loader, LoadRequest, Outcome

_Waiting = tuple[LoadRequest, "asyncio.Future[Outcome]"]


class Batching:
    """Everything asked for in one tick goes to the inner loader together, `max_size` requests a batch at most.

    Equal requests are not merged. A batch is cancelled when nobody waits for any of it any more.
    """

    def __init__(self, inner: Loader, max_size: int = 100) -> None:
        self._inner = inner
        self._max_size = max_size
        self._waiting: list[_Waiting] = []
        self._batches: set[asyncio.Task[None]] = set()

    async def load(self, requests: Sequence[LoadRequest]) -> Sequence[Outcome]:
        """As many outcomes as requests, in their order; an exception of the inner loader is raised to each caller."""
        loop = asyncio.get_running_loop()
        if requests and not self._waiting:
            loop.call_soon(self._depart)
        joined = [(request, loop.create_future()) for request in requests]
        self._waiting += joined
        return list(await asyncio.gather(*(future for _, future in joined)))

    async def close(self) -> None:
        """Close what is wrapped."""
        await self._inner.close()

    def _depart(self) -> None:
        waiting = [each for each in self._waiting if not each[1].done()]
        self._waiting = []
        for start in range(0, len(waiting), self._max_size):
            batch = waiting[start : start + self._max_size]
            task = asyncio.create_task(self._run(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)
            _cancel_when_abandoned(task, batch)

    async def _run(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._inner.load([request for request, _ in batch])
            answered = list(zip(batch, outcomes, strict=True))
        except Exception as defect:
            for _, future in batch:
                if not future.done():
                    future.set_exception(defect)
            return
        for (_, future), outcome in answered:
            if not future.done():
                future.set_result(outcome)


def _cancel_when_abandoned(task: "asyncio.Task[None]", batch: list[_Waiting]) -> None:
    left = len(batch)

    def leave(future: "asyncio.Future[Outcome]") -> None:
        nonlocal left
        left -= future.cancelled()
        if not left:
            task.cancel()

    for _, future in batch:
        future.add_done_callback(leave)
