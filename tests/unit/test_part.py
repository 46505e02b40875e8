"""A part tells the worst that is true of it, and of a list how many places are empty, and why."""

from itertools import combinations

import pytest

from aggregator.model.entry import Entry
from aggregator.model.part import BROKEN, NOTHING, Part, Piece, State
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime, Timing
from loaders.loader import Failed, Reason
from tests.world import fragment

SLOT = Slot("articles", fragment("article"))
FAILED = Piece(None, Failed(Reason.CONNECT, "down"))
# From what is as declared to what is least so.
ORDER = (State.FRESH, State.STALE, State.UNPROVEN, State.OVERTAKEN)


def piece(state: State = State.FRESH, absent: bool = False) -> Piece:
    """One answer in this state."""
    return Piece(Entry(b"i", b"null" if absent else b"1", (), Timing(0.0, Lifetime(60.0)), ORIGIN, absent), state=state)


@pytest.mark.parametrize(("better", "worse"), [*combinations(ORDER, 2)])
def test_a_list_is_in_the_worst_state_of_its_places(better: State, worse: State) -> None:
    """In whatever order they come."""
    assert Part(SLOT, (piece(better), piece(worse)), is_list=True).state is worse
    assert Part(SLOT, (piece(worse), piece(better)), is_list=True).state is worse


@pytest.mark.parametrize("state", ORDER)
def test_a_list_with_a_failed_place_is_partial_whatever_the_others_are(state: State) -> None:
    """It is not what was declared, and so not whole."""
    part = Part(SLOT, (piece(state), FAILED), is_list=True)
    assert part.state is State.PARTIAL
    assert not part.whole


def test_what_is_not_what_was_declared_is_broken() -> None:
    """Older than it should be is not."""
    assert set(State) - BROKEN == {*ORDER, State.ABSENT}


def test_a_list_tells_how_many_places_failed_and_how_many_have_nothing() -> None:
    """Nothing to ask for, or an MBU that has none, is no failure."""
    told = Part(SLOT, (piece(), FAILED, NOTHING, piece(absent=True)), is_list=True).told
    assert (told.state, told.missing, told.absent) == ("partial", 1, 2)
