"""Who asks for a position of the log waits until this process has applied as much, and no longer."""

import asyncio
from collections.abc import Callable

import pytest

from aggregator.engine.background import Background
from aggregator.engine.reaching import BeyondTheLog, Reaching
from aggregator.events import Event
from aggregator.http.min_position import MinPosition
from aggregator.http.problems import Reply
from aggregator.invalidation.local import LocalLog
from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN, Position, epoch_in, position_of, text_of
from tests.virtual_time import run
from tests.world import screen


class Told:
    """A process that has applied nothing yet of a log with one record."""

    def __init__(self) -> None:
        self.log, self.ledger = LocalLog(lambda: 1_000_000.0), Ledger()
        self.troubles: list[Event] = []
        self.reaching = Reaching(self.log, self.ledger, Background(self.troubles.append))

    def apply(self, position: Position) -> None:
        self.ledger.apply(position, ())
        self.reaching.moved()

    async def waits(self, position: Position) -> "asyncio.Task[None]":
        """Who waits for it, and does so still after a while."""
        task = asyncio.create_task(self.reaching.reach(position))
        await asyncio.sleep(10)
        assert not task.done()
        return task


def test_one_waits_for_the_very_record() -> None:
    async def play() -> None:
        told = Told()
        first, second = await told.log.append(["a"]), await told.log.append(["b"])
        task = await told.waits(second)
        told.apply(first)
        await asyncio.sleep(10)
        assert not task.done()
        told.apply(second)
        await task
        await told.reaching.reach(ORIGIN)

    run(play())


@pytest.mark.parametrize("beyond", [lambda last: last + 1, lambda last: last + 2**64])
def test_beyond_the_log_is_told_at_once(beyond: Callable[[Position], Position]) -> None:
    async def play() -> None:
        told = Told()
        last = await told.log.append(["a"])
        with pytest.raises(BeyondTheLog):
            await told.reaching.reach(beyond(last))

    run(play())


def test_who_came_after_a_look_looks_again() -> None:
    """1. One looks, and nothing is there yet. 2. A record is appended. 3. Its publisher asks: it is there."""

    async def play() -> None:
        told = Told()
        last = await told.log.append(["a"])
        with pytest.raises(BeyondTheLog):
            await told.reaching.reach(Position(last + 1))
        task = await told.waits(later := await told.log.append(["b"]))
        told.apply(later)
        await task

    run(play())


def test_another_epoch_counts_as_reached() -> None:
    """An older one at once; a later one, of a log that is gone again, at the end of this one."""

    async def play() -> None:
        told = Told()
        last = await told.log.append(["a"])
        task = await told.waits(position_of(epoch_in(last) + 1, 0, 0))
        told.apply(last)
        await task
        await told.reaching.reach(position_of(epoch_in(last) - 1, 2**64 - 1, 0))

    run(play())


def test_while_the_log_is_away_or_lost_one_waits() -> None:
    async def play() -> None:
        told = Told()
        last = await told.log.append(["a"])
        told.log.down = True
        away = await told.waits(Position(last + 1))
        told.log.down = False
        told.log.flush()
        lost = await told.waits(Position(last + 1))
        told.apply(position_of(epoch_in(last) + 1, 0, 0))
        await asyncio.gather(away, lost)
        assert not told.troubles

    run(play())


@pytest.mark.parametrize(("deadline", "patience"), [(None, 1.0), (0.4, 0.4), (5.0, 5.0)])
def test_one_waits_for_the_screens_deadline(deadline: float | None, patience: float) -> None:
    """Or for a second where there is none."""

    async def play() -> None:
        told, time = Told(), asyncio.get_running_loop().time
        text, began = text_of(await told.log.append(["a"])), time()
        reply = await MinPosition(told.reaching).wait(screen(deadline=deadline), text, lambda: None)
        assert isinstance(reply, Reply)
        assert (reply.status, time() - began) == (503, pytest.approx(patience))

    run(play())
