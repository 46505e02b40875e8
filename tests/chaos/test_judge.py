"""The judge finds what is wrong, and leaves out what nobody could help."""

import pytest

from tests.chaos import __main__ as soak
from tests.chaos.faults import mbus_ill, network
from tests.chaos.judge import ENOUGH, Report, judged
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
    return Late(HERE, begun, missed, begun + 0.01, marked, "x")


def fault(begun: float, ended: float, worker: int = HERE) -> Window:
    """Of one worker."""
    return Window(begun, ended, network.__name__, frozenset([worker]))


def ill(begun: float, ended: float) -> Window:
    """MBUs were."""
    return Window(begun, ended, mbus_ill.__name__)


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
    ("late", "faults", "found"),
    [
        (late(4.9, 19.0, marked=True), [fault(3.5, 4.0)], {"late beyond the fault"}),
        (late(4.9, 5.2, marked=True), [fault(3.5, 4.0)], set()),
        # Of an MBU that is ill what was held stands in, whenever it was invalidated, and until it is asked again.
        (late(2.9, 8.5, marked=True), [fault(2.0, 2.5), ill(8.0, 9.0)], set()),
        (late(2.9, 7.995, marked=True), [fault(2.0, 2.5), ill(8.0, 9.0)], set()),
        (late(2.9, 11.0, marked=True), [fault(2.0, 2.5), ill(8.0, 9.0)], set()),
        (late(2.9, 11.5, marked=True), [fault(2.0, 2.5), ill(8.0, 9.0)], {"late beyond the fault"}),
        (late(2.9, 8.5, marked=True), [fault(2.0, 2.5), fault(8.0, 9.0)], {"late beyond the fault"}),
        (late(2.9, 8.5), [fault(2.0, 2.5), ill(8.0, 9.0)], {"late beyond the fault", "unmarked"}),
        (late(-60.0, 8.5, marked=True), [ill(8.0, 9.0)], {"late beyond the fault"}),  # longer than is declared
    ],
)
def test_a_mark_excuses_only_what_is_declared(late: Late, faults: list[Window], found: set[str]) -> None:
    """That which could not be loaded from an MBU that was ill."""
    assert wrong(late, faults) == found


def test_reads_outside_faults_and_lags_are_counted_without_these() -> None:
    """What was missed in a fault counts from its end; what stands in for an ill MBU is counted apart."""
    found = [late(3.9, 5.2), late(3.9, 5.4, marked=True), late(12.5, 13.2, marked=True)]
    seen = Seen(late=found, asked=2_000)
    seen.begun[HERE] = [*READS, *(one.begun for one in found)]
    first, second, *_ = judged(seen, [fault(3.5, 4.0), ill(11.0, 12.0)], []).lines
    assert first == ("outside faults and lags: 1651 of 1652 reads fresh within 250 ms, worst 400 ms, stale for ever: 0")
    assert second == (
        "in faults: 351 reads, 1 late beyond 250 ms + the fault; 1 marked ones stood in for an MBU that was ill"
    )


@pytest.mark.parametrize(("begun", "found"), [(3.0, set()), (0.0, {"too little outside faults"})])
def test_a_run_that_is_nearly_all_faults_tells_too_little(begun: float, found: set[str]) -> None:
    """Nothing was late, and it says nothing."""
    assert wrong(late(1.0, 1.1), [fault(begun, 18.0 - begun)]) == found


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


@pytest.mark.parametrize(
    ("report", "left"), [(Report(), False), (Report(wrong=["x"]), True), (Report(judged=ENOUGH - 0.01), True)]
)
def test_a_soak_says_no_if_anything_was_wrong_or_too_little_judged(
    report: Report, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that stood still for most of the time proves nothing."""
    monkeypatch.setattr(soak, "run", lambda seed, seconds: report)
    monkeypatch.setattr("sys.argv", ["chaos", "7"])
    with pytest.raises(SystemExit) as ended:
        soak.main()
    assert ended.value.code is left


def test_one_defect_is_wrong_whatever_else_goes_well() -> None:
    """Even if its worker was to end."""
    assert judged(Seen(asked=2_000, excused=1, defects=["x"]), [], []).wrong == ["defect: x"]


def test_what_is_not_had_is_counted_unless_it_is_excused() -> None:
    """Three of 2,000 are too many."""
    assert not judged(Seen(asked=2_000, lost=["x"]), [], []).wrong
    assert judged(Seen(asked=2_000, lost=["x"] * 3), [], []).wrong == ["not available: x"] * 3
