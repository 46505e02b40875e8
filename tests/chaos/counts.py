"""Counts are how many values of a run were read where, and which of them were too old."""

from dataclasses import dataclass

from tests.chaos.calendar import Calendar
from tests.chaos.seen import BOUND, Late, Seen

PROOF = 2.0  # seconds for which a process may vouch, unmarked, after it lost the log


@dataclass
class Counts:
    """read: all values. judged: those asked for in no lag. outside: in no fault of their worker either.

    late: of those outside the ones that were not fresh within BOUND, and worst: seconds, both without the faults and
    lags in between. beyond: late by more than these and BOUND. declared: late as the MBU was ill, and the declaration
    allows it; in none of the others but `read` and `judged`. unmarked: old for longer than a process may vouch for."""

    read: int
    judged: int
    outside: int
    late: list[Late]
    worst: float
    beyond: list[Late]
    declared: int
    unmarked: list[Late]


def counted(seen: Seen, calendar: Calendar) -> Counts:
    """Of all that was seen."""
    reads = [(worker, at) for worker, begun in seen.begun.items() for at in begun]
    declared = [one for one in seen.late if calendar.declared(one)]
    late = [(_lateness(one, calendar), one) for one in seen.late if not calendar.declared(one)]
    outside = [(seconds, one) for seconds, one in late if not calendar.troubled(one.worker, one.begun)]
    return Counts(
        read=len(reads),
        judged=sum(not calendar.lagged(at) for _, at in reads),
        outside=sum(not calendar.troubled(worker, at) for worker, at in reads)
        - sum(not calendar.troubled(one.worker, one.begun) for one in declared),
        late=[one for seconds, one in outside if seconds > BOUND],
        worst=max((seconds for seconds, _ in outside), default=0.0),
        beyond=[one for seconds, one in late if seconds > BOUND and calendar.excused(one)],
        declared=len(declared),
        unmarked=[one for one in seen.late if not one.marked and calendar.unhelped(one) > BOUND + PROOF],
    )


def _lateness(one: Late, calendar: Calendar) -> float:
    """Seconds for which it was late outside faults and lags."""
    return one.begun - one.missed - calendar.excused(one)
