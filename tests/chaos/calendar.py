"""The calendar of a run says for how long a worker was in trouble, and when an answer may be old for it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from tests.chaos.seen import BOUND, Late, Window

RECOVERY = 1.0  # after a fault is over, all is right again
ILL = "mbus_ill"  # the fault in which MBUs do not answer as they should
# So long after it one may still be left alone: what it was asked before had a second, and its breaker opens for one.
LEFT_ALONE = 2.0
STANDS_IN = 60.0  # seconds for which `serve_overtaken_on_error` of the stage allows what was invalidated


class Calendar:
    """A fault lasts RECOVERY longer than its cause, a lag BOUND longer."""

    def __init__(self, workers: Iterable[int], faults: Sequence[Window], lags: Iterable[Window]) -> None:
        self._lags = _joined(_longer(lags, BOUND))
        self._faults = {worker: _joined(_longer(_of(worker, faults), RECOVERY)) for worker in workers}
        self._either = {worker: _joined([*self._lags, *own]) for worker, own in self._faults.items()}
        self._ill = _joined(_longer((one for one in faults if one.what == ILL), LEFT_ALONE + BOUND))

    def lagged(self, at: float) -> bool:
        """Did the machine stand still?"""
        return _within(self._lags, at)

    def troubled(self, worker: int, at: float) -> bool:
        """Did the machine stand still, or was it in a fault of this worker's?"""
        return _within(self._either[worker], at)

    def excused(self, one: Late) -> float:
        """Seconds of faults and lags in which a value was late."""
        return _overlap(self._either[one.worker], one.missed, one.begun)

    def unhelped(self, one: Late) -> float:
        """For how long it was late, whatever had failed, but for time in which nobody could help it."""
        return one.begun - one.missed - _overlap(self._lags, one.missed, one.begun)

    def declared(self, one: Late) -> bool:
        """Is it marked, and stands in for what could not be loaded from an MBU that was ill?"""
        ill = _within(self._ill, one.begun) or _within(self._ill, one.ended)
        return one.marked and ill and one.begun - one.missed <= STANDS_IN + BOUND


def _of(worker: int, faults: Iterable[Window]) -> Iterable[Window]:
    return (one for one in faults if one.workers is None or worker in one.workers)


def _longer(windows: Iterable[Window], seconds: float) -> Iterable[Window]:
    return (one._replace(ended=one.ended + seconds) for one in windows)


def _joined(windows: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for one in sorted(windows, key=lambda one: one.begun):
        if joined and one.begun <= joined[-1].ended:
            joined[-1] = joined[-1]._replace(ended=max(joined[-1].ended, one.ended))
        else:
            joined.append(one)
    return joined


def _within(windows: Sequence[Window], at: float) -> bool:
    """Was it in one of them? They do not overlap, and are in order."""
    number = bisect_right(windows, at, key=lambda one: one.begun)
    return number > 0 and at < windows[number - 1].ended


def _overlap(windows: Sequence[Window], begun: float, ended: float) -> float:
    first = bisect_left(windows, begun, key=lambda one: one.ended)
    return sum(max(0.0, min(one.ended, ended) - max(one.begun, begun)) for one in windows[first:])
