"""An event loop whose clock jumps to the next timer when nothing else is ready, so that tests never wait."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


class _Instant(float):
    """When a timer ends; of two at once the one that was set first comes first, as where time never stands still."""

    place: int

    def __lt__(self, other: float) -> bool:
        if isinstance(other, _Instant) and self == other:
            return self.place < other.place
        return super().__lt__(other)


class _JumpingSelector(selectors.SelectSelector):
    """Never sleeps: the time it was told to wait passes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("deadlock: nothing is ready and no timer is set")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time()` starts at 1,000 s and moves only when every task waits."""

    def __init__(self, jumping: _JumpingSelector | None = None) -> None:
        self._jumping = jumping or _JumpingSelector()
        self._timers = count()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, **more: Any) -> asyncio.TimerHandle:
        instant = _Instant(when)
        instant.place = next(self._timers)
        return super().call_at(instant, callback, *args, **more)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
