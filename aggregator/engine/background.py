"""Work behind a response: bounded, at most one of a name, waited for at the end."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import Any

from aggregator.events import Observer, Trouble
from aggregator.tiers.tier import TierUnavailable


class Background:
    """`limit` is the most tasks there are at once; beyond it new work is left undone, which costs a later reader
    time but never makes an answer wrong."""

    def __init__(self, observe: Observer, limit: int = 1_000) -> None:
        self._observe = observe
        self._limit = limit
        self._tasks: dict[Hashable, asyncio.Future[Any]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, name: Hashable, work: Callable[[], Awaitable[Any] | None]) -> bool:
        """Begin `work` unless it is under way already; False if it was not begun. It gives a coroutine, which takes a
        task, or a future, which takes none, or None where there is nothing to do. That L2 is away is no trouble."""
        if name in self._tasks:
            return False
        if len(self._tasks) >= self._limit:
            self._observe(Trouble("background_full", f"{self._limit} tasks are under way; one was left undone"))
            return False
        try:
            begun = work()
        except Exception as error:
            self._observe(Trouble("background", repr(error)))
            return False
        if begun is not None:
            self._tasks[name] = asyncio.ensure_future(begun)
            self._tasks[name].add_done_callback(partial(self._ended, name))
        return True

    def _ended(self, name: Hashable, task: "asyncio.Future[Any]") -> None:
        self._tasks.pop(name, None)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, TierUnavailable):
            self._observe(Trouble("background", repr(error)))

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, then cancel what is left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:  # what ends may have begun more
                    await asyncio.wait(self._tasks.values())
        for task in (late := list(self._tasks.values())):
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
