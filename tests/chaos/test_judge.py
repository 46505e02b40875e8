"""The judge finds what is wrong, and leaves out what nobody could help."""

import pytest

from tests.chaos.judge import judged
from tests.chaos.seen import BOUND, Late, Seen, Window

READS = [number / 100 for number in range(2_000)]
HERE, THERE = 0, 1


def wrong(late: Late, faults: list[Window] | None = None, lags: list[Window] | None = None, times: int = 1) -> set[str]:
    """Which claims do not hold, of 2,000 reads of one worker in 20 s, some of them late."""
    seen = Seen(late=[late] * times, asked=2_000)
    seen.begun[HERE] = [*READS, *[late.begun] * times]
    return {words.partition(":")[0] for words in judged(seen, faults or [], lags or []).wrong}


def late(missed: float, begun: float, marked: bool = False) -> Late:
    """A read that missed an invalidation by so much."""
    return Late(HERE, begun, missed, marked, "x")


def fault(begun: float, ended: float, worker: int = HERE) -> Window:
    """Of one worker."""
    return Window(begun, ended, "fault", frozenset([worker]))


@pytest.mark.parametrize(
    ("late", "faults", "found"),
    [
        (late(4.0, 5.0), [fault(3.5, 4.0)], set()),  # it lasts a second more
        (late(4.0, 6.0), [fault(3.5, 4.0)], {"late beyond the fault"}),
        (late(4.0, 7.0), [fault(3.5, 8.0)], {"unmarked"}),  # longer than a proof
        (late(4.0, 7.0, marked=True), [fault(3.5, 8.0)], set()),
        (late(4.0, 7.0), [fault(3.5, 8.0, THERE)], {"unmarked"}),
    ],
)
def test_lateness_is_excused_by_faults_of_its_own_worker(late: Late, faults: list[Window], found: set[str]) -> None:
    """In one it is for the mark to say so."""
    assert wrong(late, faults) == found


@pytest.mark.parametrize(
    ("late", "times", "found"),
    [
        (late(4.8, 5.0), 100, set()),  # within the bound
        (late(4.7, 5.0), 1, set()),  # which 99.99 % of 2,000 may be
        (late(4.7, 5.0), 2, {"late"}),
        (late(4.7, 5.0, marked=True), 2, {"late"}),
        (late(2.7, 5.0), 1, {"unmarked"}),  # but not as late as this
    ],
)
def test_nearly_all_is_fresh_outside_faults(late: Late, times: int, found: set[str]) -> None:
    """A mark is no excuse there, and what there is too little of to judge is none for what is wrong."""
    assert wrong(late, times=times) == found
    assert wrong(late, [fault(4.0, 5.0, THERE)], times=times) == found


def test_what_is_read_during_a_lag_has_so_much_longer() -> None:
    """And a quarter of a second after it; it is no excuse beyond that."""
    assert wrong(late(4.0, 5.0), lags=[Window(4.0, 4.8)]) == set()
    assert wrong(late(4.0, 5.0), lags=[Window(4.6, 4.7)]) == {"late beyond the fault"}
    assert wrong(late(4.0, 9.0), lags=[Window(4.6, 4.7)]) == {"late beyond the fault", "unmarked"}


def test_how_much_was_left_out_is_said() -> None:
    """Half a run is judged where there was a lag for the other half."""
    seen = Seen(asked=2_000)
    seen.begun[HERE] = READS
    assert judged(seen, [], [Window(0.0, 10.0 - BOUND)]).judged == 0.5


def test_one_defect_is_wrong_whatever_else_goes_well() -> None:
    """Even if its worker was to end."""
    assert judged(Seen(asked=2_000, excused=1, defects=["x"]), [], []).wrong == ["defect: x"]


def test_what_is_not_had_is_counted_unless_it_is_excused() -> None:
    """Three of 2,000 are too many."""
    assert not judged(Seen(asked=2_000, lost=["x"]), [], []).wrong
    assert judged(Seen(asked=2_000, lost=["x"] * 3), [], []).wrong == ["not available: x"] * 3
