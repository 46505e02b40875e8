"""A turn is the right to do something now that many may do only so often: the generic cell rate algorithm (GCRA)."""

from math import inf
from typing import NamedTuple

from aggregator.model.position import Position


class Pace(NamedTuple):
    """How often: one turn each `interval` seconds, and at most `burst` at once after a pause."""

    interval: float
    burst: int = 1

    @property
    def tolerance(self) -> float:
        """Seconds by which a turn may be taken early (ATM Forum TM 4.0: tau)."""
        return self.interval * (self.burst - 1)


class Began(NamedTuple):
    """What a turn is for: something begun with `head` applied, which serves who needs it to be begun no earlier than
    at `needs`."""

    head: Position
    needs: Position


ANOTHER = inf  # not to be waited for: somebody else has begun what it is for
# Seconds after a turn's own time for which it is known what it was for: who began it may have failed.
_REMEMBERED = 2.0


class Turns:
    """One sequence of turns. due: when the next one would be due if they came evenly."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self._head: Position | None = None

    def take(self, pace: Pace, now: float, began: Began | None = None) -> float:
        """0 where the turn is taken, else the seconds after which to ask again, or ANOTHER."""
        last = self._head if now < self._due + _REMEMBERED else None
        if began and last is not None and last >= began.needs:
            return ANOTHER
        wait = self._due - now - pace.tolerance
        if wait > 0:
            return wait
        self._due = max(self._due, now) + pace.interval
        self._head = began.head if began else None
        return 0.0
