"""Batching joins the loads of one event-loop tick, for an MBU that can answer many at once."""

import asyncio
from collections.abc import Callable, Hashable, Sequence

from loaders.loader import Loader, LoadRequest, Outcome

_Waiting = tuple[LoadRequest, "asyncio.Future[Outcome]"]


class Batching:
    """What is asked for in one tick, and is of one group, goes to the inner loader together, `max_size` requests a
    batch at most. No batch waits for another.

    Equal requests are not merged. A batch is cancelled when nobody waits for any of it any more.
    """

    def __init__(
        self, inner: Loader, max_size: int = 100, group: Callable[[LoadRequest], Hashable] = lambda _: None
    ) -> None:
        self._inner = inner
        self._max_size = max_size
        self._group = group
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
        groups: dict[Hashable, list[_Waiting]] = {}
        for request, future in self._waiting:
            if not future.done():
                groups.setdefault(self._group(request), []).append((request, future))
        self._waiting = []
        for group in groups.values():
            for start in range(0, len(group), self._max_size):
                self._begin(group[start : start + self._max_size])

    def _begin(self, batch: list[_Waiting]) -> None:
        task = asyncio.create_task(self._run(batch))
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        _cancel_when_abandoned(task, batch)

    async def _run(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._inner.load([request for request, _ in batch])
            answered = list(zip(batch, outcomes, strict=True))
        except asyncio.CancelledError:
            _raise_to(
                batch, RuntimeError("the inner loader of a batch was cancelled, and not by those who waited for it")
            )
            raise
        except Exception as defect:
            _raise_to(batch, defect)
            return
        for (_, future), outcome in answered:
            if not future.done():
                future.set_result(outcome)


def _raise_to(batch: list[_Waiting], defect: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(defect)


def _cancel_when_abandoned(task: "asyncio.Task[None]", batch: list[_Waiting]) -> None:
    left = len(batch)

    def leave(future: "asyncio.Future[Outcome]") -> None:
        nonlocal left
        left -= future.cancelled()
        if not left:
            task.cancel()

    for _, future in batch:
        future.add_done_callback(leave)
