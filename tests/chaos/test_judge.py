"""The judge finds what is wrong, and leaves out what nobody could help."""

import pytest

from tests.chaos.judge import Late, Seen, Window, judged

READS = [number / 100 for number in range(2_000)]


def wrong(late: Late, faults: list[Window] | None = None, lags: list[Window] | None = None) -> list[str]:
    """Which claims do not hold, of 2,000 reads in 20 s, one of them late."""
    report = judged(Seen(begun=[*READS, late.begun], late=[late], asked=2_000), faults or [], lags or [])
    return [words.partition(":")[0] for words in report.wrong]


@pytest.mark.parametrize(
    ("late", "faults", "found"),
    [
        (Late(5.0, 4.8, False, "x"), [], []),  # within the bound
        (Late(5.0, 4.7, False, "x"), [], ["late beyond the fault", "late"]),
        (Late(5.0, 4.0, False, "x"), [Window(3.5, 4.0)], []),  # it lasts a second more
        (Late(6.0, 4.0, False, "x"), [Window(3.5, 4.0)], ["late beyond the fault"]),
        (Late(7.0, 4.0, False, "x"), [Window(3.5, 8.0)], ["unmarked"]),  # longer than a proof
        (Late(7.0, 4.0, True, "x"), [Window(3.5, 8.0)], []),
    ],
)
def test_lateness_counts_outside_faults(late: Late, faults: list[Window], found: list[str]) -> None:
    """In one it is for the mark to say so."""
    assert wrong(late, faults) == found


def test_what_is_read_during_a_lag_is_left_out() -> None:
    """And a quarter of a second after it."""
    late = Late(5.0, 4.0, False, "x")
    assert wrong(late, lags=[Window(4.5, 4.8)]) == []
    assert wrong(late, lags=[Window(4.5, 4.7)]) != []


def test_what_is_not_had_is_counted_unless_it_is_excused() -> None:
    """Three of 2,000 are too many."""
    assert not judged(Seen(asked=2_000, lost=["x"]), [], []).wrong
    assert judged(Seen(asked=2_000, lost=["x"] * 3), [], []).wrong == ["not available: x"] * 3
