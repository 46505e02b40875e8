"""What has had no answer for a while is asked again, and nobody waits for those that are not needed any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from aggregator.invalidation.hedged import hedged
from tests.virtual_time import run


class Asked:
    """Each question takes as long as it is told, in turn; a negative one fails after that time."""

    def __init__(self, *takes: float) -> None:
        self.takes = list(takes)
        self.begun: list[float] = []
        self.given_up = 0

    def __call__(self) -> Coroutine[Any, Any, int]:
        self.begun.append(asyncio.get_running_loop().time())
        return self._answer(len(self.begun) - 1)

    async def _answer(self, number: int) -> int:
        try:
            await asyncio.sleep(abs(self.takes[number]))
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.takes[number] < 0:
            raise OSError(number)
        return number


@pytest.mark.parametrize(
    ("takes", "first", "at", "given_up"),
    [((0.4,), 0, 0.4, 0), ((9.0, 0.1), 1, 0.6, 1), ((1.2, 9.0, 9.0), 0, 1.2, 2), ((9.0, 9.0, 3.0), 2, 4.0, 2)],
)
def test_the_first_answer_counts(takes: tuple[float, ...], first: int, at: float, given_up: int) -> None:
    """It is asked at most so often at once, and the others are given up."""

    async def story() -> None:
        asked, began = Asked(*takes), asyncio.get_running_loop().time()
        assert await hedged(asked, 0.5) == first
        assert asyncio.get_running_loop().time() - began == pytest.approx(at)
        await asyncio.sleep(0)
        assert (len(asked.begun), asked.given_up) == (len(takes), given_up)

    run(story())


def test_an_error_counts_where_no_other_is_under_way() -> None:
    """Who asks knows when to try again."""

    async def story() -> None:
        with pytest.raises(OSError, match="0"):
            await hedged(Asked(-0.1), 0.5)

    run(story())


def test_one_that_fails_gives_up_no_other() -> None:
    """The first ends at its own limit, and is asked again as a third; the second answers after that."""

    async def story() -> None:
        asked, began = Asked(-1.0, 0.9, 9.0), asyncio.get_running_loop().time()
        assert await hedged(asked, 0.5) == 1
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.4)
        await asyncio.sleep(0)
        assert (len(asked.begun), asked.given_up) == (3, 1)

    run(story())


def test_the_last_error_of_three_counts() -> None:
    """So that who is cut off learns it while its proof lasts, and none is begun longer ago than half a second."""

    async def story() -> None:
        asked, began = Asked(*[-1.0] * 5), asyncio.get_running_loop().time()
        with pytest.raises(OSError, match="2"):
            await hedged(asked, 0.5)
        ended = asyncio.get_running_loop().time()
        assert ended - began == pytest.approx(2.0)
        assert ended - asked.begun[-1] <= 0.5

    run(story())


def test_who_leaves_gives_all_up() -> None:
    async def story() -> None:
        asked = Asked(9.0, 9.0)
        waiting = asyncio.create_task(hedged(asked, 0.5))
        await asyncio.sleep(0.6)
        waiting.cancel()
        await asyncio.sleep(0.01)
        assert asked.given_up == 2

    run(story())
