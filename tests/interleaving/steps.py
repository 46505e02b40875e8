"""A loop on which nothing from outside happens until a driver says what is next: every reply is a step of its own."""

import asyncio
import random
import selectors
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from tests.virtual_time import VirtualLoop, _JumpingSelector

T = TypeVar("T")


class Choose(Protocol):
    """Which of several steps comes next, by its place; `quiet`: is nothing else to be done? None: not yet one."""

    def __call__(self, steps: Sequence[str], quiet: bool) -> int | None: ...


class Steps:
    """Those that could happen now, each a future and its name, in the order in which they became possible."""

    def __init__(self, choose: Choose) -> None:
        self.free = False
        self.trace: list[str] = []
        self._choose = choose
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    async def reach(self, name: str) -> None:
        """Go on when it is this step's turn."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((name, turn))
        await turn

    def take(self, quiet: bool) -> bool:
        """Let one step happen, if there is any and the driver wants one."""
        self._waiting = [(name, turn) for name, turn in self._waiting if not turn.done()]
        if not self._waiting:
            return False
        # Before and after what is explored, in the order of arrival.
        place = (0 if quiet else None) if self.free else self._choose([name for name, _ in self._waiting], quiet)
        if place is None:
            return False
        name, turn = self._waiting.pop(place)
        if not self.free:
            self.trace.append(name)
        turn.set_result(None)
        return True


class _Driven(_JumpingSelector):
    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return [] if self._steps.take(quiet=timeout != 0) else super().select(timeout)


class SteppedLoop(VirtualLoop):
    """Time passes only where no step is left to be taken."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(_Driven(steps))


def run(steps: Steps, main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a loop that these steps drive."""
    with asyncio.Runner(loop_factory=lambda: SteppedLoop(steps)) as runner:
        return runner.run(main)


class Listed:
    """Choices from a list, then always the first; notes how many there were each time."""

    def __init__(self, choices: Sequence[int] = ()) -> None:
        self.made: list[int] = []
        self.open: list[int] = []
        self._given = choices

    def __call__(self, steps: Sequence[str], quiet: bool) -> int | None:
        if not quiet:
            return None
        place = self._given[len(self.made)] if len(self.made) < len(self._given) else 0
        self.made.append(place)
        self.open.append(len(steps))
        return place


class Drawn:
    """Choices by a seed; a step may also come while callbacks of an earlier one are still to run."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        # Were all steps alike, who has few of them to do would nearly always be done before the others are half-way.
        self._speeds: defaultdict[str, float] = defaultdict(lambda: 10 ** self._draw.uniform(-2.0, 1.0))

    def __call__(self, steps: Sequence[str], quiet: bool) -> int | None:
        if not quiet and self._draw.random() < 0.7:
            return None
        [place] = self._draw.choices(range(len(steps)), [self._speeds[step] for step in steps])
        return place


def next_choices(done: Listed) -> list[int] | None:
    """The choices after these, depth first; None after the last."""
    for place in reversed(range(len(done.made))):
        if done.made[place] + 1 < done.open[place]:
            return [*done.made[:place], done.made[place] + 1]
    return None


def every_order(play: Callable[[Choose], None], limit: int) -> tuple[int, bool]:
    """Play every order, depth first, up to a limit; how many were played, and whether these were all."""
    choices: list[int] | None = []
    for count in range(limit):
        if choices is None:
            return count, True
        driver = Listed(choices)
        try:
            play(driver)
        except BaseException as error:
            error.add_note(f"order {count}: play it again with Listed({driver.made})")
            raise
        choices = next_choices(driver)
    return limit, choices is None
