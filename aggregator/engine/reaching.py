"""Reaching a position of the log: who read it in an acknowledgement waits until this process has applied as much."""

import asyncio

from aggregator.engine.background import Background
from aggregator.invalidation.log import Log, LogUnavailable
from aggregator.invalidation.watch import end
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position, epoch_in


class BeyondTheLog(Exception):
    """The log has not got that far, so that nobody was told this position."""


class Reaching:
    """Where the log ends is looked up once for each who is ahead of this process, and together for all who wait."""

    def __init__(self, log: Log, ledger: Ledger, background: Background) -> None:
        self._log = log
        self._ledger = ledger
        self._background = background
        self._moved = asyncio.Event()
        self._newest: Position | None = None
        self._begun = self._ended = 0

    def moved(self) -> None:
        """The ledger's head may have moved."""
        self._moved.set()
        self._moved = asyncio.Event()

    def is_ahead(self, position: Position) -> bool:
        """Has this process applied less? Then `reach` looks where the log ends, which is a write on its server."""
        return self._ledger.head < position

    async def reach(self, position: Position) -> None:
        """Return once this process has applied the log up to there; BeyondTheLog where it does not go so far.

        Another epoch has been reached once this process is at the end of the log: what was invalidated in it is known
        as far as it can be, and what is older than the log is not proved. Waits for ever where the log is away.
        """
        # A look that is under way may have been answered before the position was given out.
        asked = self._begun
        while self.is_ahead(position):
            if self._ended <= asked:
                self._look()
            elif self._newest is not None and self._is_at_end(position, self._newest):
                return
            await self._moved.wait()

    def _is_at_end(self, position: Position, newest: Position) -> bool:
        if epoch_in(position) == epoch_in(newest) and position > newest:
            raise BeyondTheLog
        return self._ledger.head >= newest

    def _look(self) -> None:
        if self._background.start("look", self._looked):
            self._begun += 1

    async def _looked(self) -> None:
        try:
            beat = await self._log.beat()
            self._newest = None if beat.epoch is None else end(beat.epoch, beat)
        except LogUnavailable:
            self._newest = None
        self._ended = self._begun
        self.moved()
