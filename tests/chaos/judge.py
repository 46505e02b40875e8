"""Judging decides from what was read, and when faults and lags were, whether the service kept its promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from tests.chaos.calendar import Calendar
from tests.chaos.counts import Counts, counted
from tests.chaos.seen import Seen, Window

NINES = 0.9999
AVAILABLE = 0.999
ENOUGH = 0.5  # of what was read: the machine did not stand still
OUTSIDE = 0.2  # of that: no fault was on, so that something is known of how fresh most reads are


@dataclass
class Report:
    """What to say, and what is wrong. judged: the share of what was read that was not left out."""

    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    judged: float = 1.0

    @property
    def refused(self) -> str:
        """Why it says nothing although nothing was wrong; empty if it does."""
        return f"only {self.judged:.0%} of the reads were judged: the machine stood still" * (self.judged < ENOUGH)


def judged(seen: Seen, faults: Sequence[Window], lags: Sequence[Window]) -> Report:
    """Whether most reads are fresh at once is judged by those that are in no fault or lag; of all others the bound is
    longer by what of these came in between."""
    counts = counted(seen, Calendar(seen.begun, faults, lags))
    lines = [
        *_of_values(seen, counts),
        f"availability of cached screens: {_available(seen):.4%} of {seen.asked - seen.excused} "
        f"({seen.excused} excused)",
        f"left out: {counts.read - counts.judged} reads in {len(lags)} windows of scheduling lag",
        *(f"not had: {words}" for words in seen.lost[:3]),
    ]
    return Report(lines, _wrong(seen, counts), counts.judged / max(1, counts.read))


def _of_values(seen: Seen, counts: Counts) -> list[str]:
    return [
        f"outside faults and lags: {counts.outside - len(counts.late)} of {counts.outside} reads fresh within 250 ms, "
        f"worst {counts.worst * 1000:.0f} ms, stale for ever: {len(seen.for_ever)}",
        f"in faults: {counts.judged - counts.outside} reads, {len(counts.beyond)} late beyond 250 ms + the fault; "
        f"{counts.declared} marked ones stood in for an MBU that was ill",
        f"unmarked stale: {len(counts.unmarked)}, went back: {len(seen.went_back)}, defects: {len(seen.defects)}",
    ]


def _wrong(seen: Seen, counts: Counts) -> list[str]:
    claims = {
        "stale for ever": seen.for_ever,
        "went back": seen.went_back,
        "defect": seen.defects,
        "unmarked": [one.words for one in counts.unmarked],
        "late beyond the fault": [one.words for one in counts.beyond],
        "late": [one.words for one in counts.late] if len(counts.late) > _by_chance(counts.outside) else [],
        "not available": seen.lost if _available(seen) < AVAILABLE else [],
        "too little outside faults": _too_few(counts),
    }
    return [f"{claim}: {words}" for claim, found in claims.items() for words in found[:5]]


def _available(seen: Seen) -> float:
    return 1 - len(seen.lost) / max(1, seen.asked - seen.excused)


def _too_few(counts: Counts) -> list[str]:
    few = counts.outside < OUTSIDE * counts.judged
    return [f"{counts.outside} of {counts.judged} reads, at least {OUTSIDE:.0%} are needed"] * few


def _by_chance(reads: int) -> float:
    """More than so many are not what was expected: three standard deviations. A minute has too few reads to tell
    99.99 % from 99.98 %."""
    expected = reads * (1 - NINES)
    return expected + 3 * sqrt(expected)
