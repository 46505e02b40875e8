"""Turns: GCRA, and what the last one was for."""

import pytest

from aggregator.model.position import Position
from aggregator.model.turn import ANOTHER, Began, Pace, Turns


def began(head: int, needs: int) -> Began:
    return Began(Position(head), Position(needs))


def test_a_burst_at_once_and_then_one_each_interval() -> None:
    turns, pace = Turns(), Pace(2.0, burst=3)
    assert [turns.take(pace, now=10.0) for _ in range(4)] == [0, 0, 0, 2.0]
    assert turns.take(pace, now=11.5) == pytest.approx(0.5)
    assert turns.take(pace, now=12.0) == 0
    assert turns.take(pace, now=12.0) == pytest.approx(2.0)


def test_a_pause_gives_a_burst_again_and_no_more() -> None:
    turns, pace = Turns(), Pace(2.0, burst=3)
    assert turns.take(pace, now=0.0) == 0
    assert [turns.take(pace, now=1_000.0) for _ in range(4)] == [0, 0, 0, 2.0]


def test_what_was_begun_late_enough_is_another_s_and_a_refusal_forgets_nothing_of_it() -> None:
    turns, pace = Turns(), Pace(1.0)
    assert turns.take(pace, 0.0, began(5, needs=5)) == 0
    assert turns.take(pace, 0.0, began(9, needs=6)) == 1.0
    assert turns.take(pace, 0.0, began(9, needs=5)) == ANOTHER


def test_who_began_is_not_relied_on_for_long() -> None:
    """2 s after the turn's own time it may be taken, though another began it late enough: they may have failed."""
    turns, pace = Turns(), Pace(1.0)
    assert turns.take(pace, 0.0, began(5, needs=5)) == 0
    assert turns.take(pace, 2.9, began(9, needs=5)) == ANOTHER
    assert turns.take(pace, 3.0, began(9, needs=5)) == 0
