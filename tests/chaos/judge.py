"""Judging decides from what was read, and when faults and lags were, whether the service kept its promises."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

BOUND = 0.25  # seconds after its acknowledgement, from which an invalidation is seen
RECOVERY = 1.0  # after a fault is over, all is right again
PROOF = 2.0  # so long a process may vouch, unmarked, after it lost the log
FOR_EVER = 10.0
NINES = 0.9999
AVAILABLE = 0.999


class Window(NamedTuple):
    """Monotonic seconds, and what was the matter."""

    begun: float
    ended: float
    what: str = ""


class Late(NamedTuple):
    """A value that was older than what had been acknowledged when it was asked for.

    missed: when the first invalidation that it missed was acknowledged. marked: the answer says so.
    """

    begun: float
    missed: float
    marked: bool
    words: str


@dataclass
class Seen:
    """What readers saw. begun: of each value read. lost: when an answer could not be had, and how; excused: as its own
    worker was stopped or dead. went_back: older than what that worker gave before."""

    begun: list[float] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    asked: int = 0
    lost: list[str] = field(default_factory=list)
    excused: int = 0
    went_back: list[str] = field(default_factory=list)
    for_ever: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What to say, and what is wrong."""

    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def judged(seen: Seen, faults: Sequence[Window], lags: Sequence[Window]) -> Report:
    """Lateness counts outside faults only; a fault lasts RECOVERY longer than its cause, a lag BOUND longer."""
    faults = _joined(Window(one.begun, one.ended + RECOVERY, one.what) for one in faults)
    lags = _joined(Window(one.begun, one.ended + BOUND) for one in lags)
    counted = [at for at in seen.begun if not _within(lags, at)]
    outside = sum(not _within(faults, at) for at in counted)
    behind = [one for one in seen.late if not _within(lags, one.begun)]
    worst = max((one.begun - one.missed for one in behind if not _touched(faults, one)), default=0.0)
    late = [one for one in behind if one.begun - one.missed > BOUND]
    unmarked = [one for one in late if not one.marked]
    calm = [one for one in late if not _touched(faults, one)]
    excess = [(one.begun - one.missed - _overlap(faults, one.missed, one.begun), one) for one in late]
    beyond = [one for over, one in excess if over > BOUND and not one.marked]
    blind = [one for one in unmarked if one.begun - one.missed > BOUND + PROOF]
    available = 1 - len(seen.lost) / max(1, seen.asked - seen.excused)
    report = Report()
    report.lines = [
        f"{outside - len(calm)} of {outside} reads outside faults fresh within 250 ms, worst {worst * 1000:.0f} ms",
        f"{len(late) - len(calm)} of {len(counted) - outside} reads in faults later, {len(beyond)} of them unmarked "
        "beyond 250 ms + the fault",
        f"stale for ever: {len(seen.for_ever)}, unmarked stale: {len(blind)}, went back: {len(seen.went_back)}",
        f"availability of cached screens: {available:.4%} of {seen.asked - seen.excused} ({seen.excused} excused)",
        f"left out: {len(seen.begun) - len(counted)} reads in {len(lags)} windows of scheduling lag",
    ]
    claims = {
        "stale for ever": seen.for_ever,
        "went back": seen.went_back,
        "unmarked": [one.words for one in blind],
        "late beyond the fault": [one.words for one in beyond],
        "late": [one.words for one in calm] if len(calm) > outside * (1 - NINES) else [],
        "not available": seen.lost if available < AVAILABLE else [],
    }
    report.wrong = [f"{claim}: {words}" for claim, found in claims.items() for words in found[:5]]
    return report


def _joined(windows: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for one in sorted(windows):
        if joined and one.begun <= joined[-1].ended:
            last = joined.pop()
            one = Window(last.begun, max(last.ended, one.ended), f"{last.what}, {one.what}")
        joined.append(one)
    return joined


def _within(windows: Sequence[Window], at: float) -> bool:
    """Was it in one of them? They do not overlap, and are in order."""
    number = bisect_right(windows, at, key=lambda one: one.begun)
    return number > 0 and at < windows[number - 1].ended


def _touched(faults: Sequence[Window], one: Late) -> bool:
    return _overlap(faults, one.missed, one.begun) > 0


def _overlap(windows: Sequence[Window], begun: float, ended: float) -> float:
    first = bisect_left(windows, begun, key=lambda one: one.ended)
    return sum(max(0.0, min(one.ended, ended) - max(one.begun, begun)) for one in windows[first:])
