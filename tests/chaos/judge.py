"""Judging decides from what was read, and when faults and lags were, whether the service kept its promises."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt

from tests.chaos.seen import BOUND, Late, Seen, Window

RECOVERY = 1.0  # after a fault is over, all is right again
PROOF = 2.0  # so long a process may vouch, unmarked, after it lost the log
NINES = 0.9999
AVAILABLE = 0.999


@dataclass
class Report:
    """What to say, and what is wrong. judged: the share of what was read that was not left out."""

    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    judged: float = 1.0


def judged(seen: Seen, faults: Sequence[Window], lags: Sequence[Window]) -> Report:
    """A fault lasts RECOVERY longer than its cause, a lag BOUND longer. Whether most reads are fresh at once is judged
    by those that are in neither; of all others the bound is longer by what of these came in between."""
    stalls = _joined(Window(one.begun, one.ended + BOUND) for one in lags)
    ills = {worker: _joined(_recovered(worker, faults)) for worker in seen.begun}
    either = {worker: _joined([*stalls, *ills[worker]]) for worker in ills}
    counted = [(worker, at) for worker, begun in seen.begun.items() for at in begun if not _within(stalls, at)]
    outside = sum(not _within(ills[worker], at) for worker, at in counted)
    calm = [one for one in seen.late if not _overlap(either[one.worker], one.missed, one.begun)]
    late = [one for one in calm if one.begun - one.missed > BOUND]
    excess = [(one.begun - one.missed - _overlap(either[one.worker], one.missed, one.begun), one) for one in seen.late]
    beyond = [one for over, one in excess if over > BOUND and not one.marked and one not in late]
    blind = [one for one in seen.late if not one.marked and _vouched(one, stalls) > BOUND + PROOF]
    available = 1 - len(seen.lost) / max(1, seen.asked - seen.excused)
    read = sum(map(len, seen.begun.values()))
    report = Report(judged=len(counted) / max(1, read))
    report.lines = [
        f"{outside - len(late)} of {outside} reads outside faults fresh within 250 ms, worst "
        f"{max((one.begun - one.missed for one in calm), default=0.0) * 1000:.0f} ms",
        f"{len(seen.late) - len(calm)} of {len(counted) - outside} reads in faults of what was overtaken, "
        f"{len(beyond)} of them unmarked beyond 250 ms + the fault",
        f"stale for ever: {len(seen.for_ever)}, unmarked stale: {len(blind)}, went back: {len(seen.went_back)}, "
        f"defects: {len(seen.defects)}",
        f"availability of cached screens: {available:.4%} of {seen.asked - seen.excused} ({seen.excused} excused)",
        f"left out: {read - len(counted)} reads in {len(lags)} windows of scheduling lag",
    ]
    report.lines += [f"not had: {words}" for words in seen.lost[:3]]
    claims = {
        "stale for ever": seen.for_ever,
        "went back": seen.went_back,
        "defect": seen.defects,
        "unmarked": [one.words for one in blind],
        "late beyond the fault": [one.words for one in beyond],
        "late": [one.words for one in late] if len(late) > _by_chance(outside * (1 - NINES)) else [],
        "not available": seen.lost if available < AVAILABLE else [],
    }
    report.wrong = [f"{claim}: {words}" for claim, found in claims.items() for words in found[:5]]
    return report


def _recovered(worker: int, faults: Iterable[Window]) -> Iterable[Window]:
    return (
        Window(one.begun, one.ended + RECOVERY, one.what)
        for one in faults
        if one.workers is None or worker in one.workers
    )


def _vouched(one: Late, stalls: Sequence[Window]) -> float:
    """For how long an answer was wrong, whatever had failed, but for time in which nobody could help it."""
    return one.begun - one.missed - _overlap(stalls, one.missed, one.begun)


def _by_chance(expected: float) -> float:
    """More than so many are not what was expected: three standard deviations. A minute has too few reads to tell
    99.99 % from 99.98 %."""
    return expected + 3 * sqrt(expected)


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


def _overlap(windows: Sequence[Window], begun: float, ended: float) -> float:
    first = bisect_left(windows, begun, key=lambda one: one.ended)
    return sum(max(0.0, min(one.ended, ended) - max(one.begun, begun)) for one in windows[first:])
