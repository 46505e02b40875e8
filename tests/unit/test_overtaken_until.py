"""Until when what was invalidated may be served while it is loaded again."""

from math import inf

import pytest

from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.position import position_of
from aggregator.model.standing import overtaken_until
from cache_policies.policy import Lifetime, Timing

# Loaded at 100 s, fresh until 160 s, served stale until 190 s.
ENTRY = Entry(b"", b"1", ("t",), Timing(100.0, Lifetime(60.0, 30.0)), position_of(1, 100_000, 0))


def ledger(*invalidated: int) -> Ledger:
    """One that knows of invalidations at these seconds."""
    known = Ledger()
    for second in invalidated:
        known.apply(position_of(1, second * 1_000, 0), ["t"])
    return known


@pytest.mark.parametrize(("invalidated", "until"), [((120,), 150), ((120, 140), 150), ((170,), 190), ((90,), -inf)])
def test_counted_from_the_first_invalidation_and_no_longer_than_what_is_stale(
    invalidated: tuple[int, ...], until: float
) -> None:
    assert overtaken_until(ENTRY, ledger(*invalidated), 170.0) == until


def test_never_where_an_earlier_invalidation_may_be_forgotten() -> None:
    known = ledger(120)
    known.raise_floor(position_of(1, 110_000, 0))
    assert overtaken_until(ENTRY, known, 120.0) == -inf


@pytest.mark.parametrize(("now", "until"), [(120.0, 150), (119.5, 150), (118.9, -inf)])
def test_r10_never_where_the_servers_clock_stepped_back_behind_it(now: float, until: float) -> None:
    """It would be served for as long as the step; processes' clocks may differ by a second."""
    assert overtaken_until(ENTRY, ledger(120), now) == until
