"""Work behind a response: bounded, at most one of a name, waited for at the end."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from typing import Any

from aggregator.events import Observer, Trouble


class Background:
    """`limit` is the most tasks there are at once; beyond it new work is left undone, which costs a later reader
    time but never makes an answer wrong."""

    def __init__(self, observe: Observer, limit: int = 1_000) -> None:
        self._observe = observe
        self._limit = limit
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, name: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Begin `work` unless it is under way already; False if it was not begun."""
        if name in self._tasks:
            return False
        if len(self._tasks) >= self._limit:
            self._observe(Trouble("background_full", f"{self._limit} tasks are under way; one was left undone"))
            return False
        task = asyncio.get_running_loop().create_task(work())
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))
        return True

    def _ended(self, name: Hashable, task: asyncio.Task[None]) -> None:
        self._tasks.pop(name, None)
        if not task.cancelled() and (error := task.exception()):
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
