"""The fleet's clock: the server's time, whatever this machine's own clock says."""

import pytest

from aggregator.clock import FleetClock
from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN
from aggregator.model.standing import Standing, standing
from cache_policies.policy import Lifetime, Timing

NOW = 1_000_000.0
STEPS = [-86_400.0, -3_600.0, 3_600.0, 86_400.0]


@pytest.mark.parametrize("step", STEPS)
def test_r10_one_sample_corrects_a_wrong_clock_to_within_its_round_trip(step: float) -> None:
    clock = FleetClock(lambda: 100.0, wall=NOW + step)
    clock.sample(NOW, sent=99.9, received=100.0)
    assert abs(clock.now() - NOW) <= 0.1001


def test_r10_an_answer_that_was_read_a_minute_late_moves_nothing() -> None:
    at = [100.0]
    clock = FleetClock(lambda: at[0], wall=NOW)
    at[0] = 160.0
    clock.sample(NOW, sent=100.0, received=160.0)
    assert clock.now() == NOW + 60


@pytest.mark.parametrize("vouched", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_r10_what_another_process_stored_by_a_wrong_clock_is_never_fresh(step: float, vouched: bool) -> None:
    entry = Entry(b"k", b"1", (), Timing(NOW + step, Lifetime(60.0), 0.0), ORIGIN)
    expected = Standing.EXPIRED if vouched else Standing.UNPROVEN
    assert standing(entry, Ledger(), NOW, vouched) is expected
