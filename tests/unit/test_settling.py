"""What was loaded sooner after an invalidation than its MBU settles ends when that is over, and is then loaded anew."""

import tomllib
from math import isclose

import pytest
from msgspec.structs import replace

from aggregator.declaration.read import declare_raw
from aggregator.engine.settling import until_settled
from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position, position_of, seconds_of
from aggregator.sources import source
from cache_policies.policy import Lifetime, Timing
from loaders.deadline import Deadline
from tests.samples.right import ENVIRON, RIGHT
from tests.world import Shop

EPOCH = 1_000_000_000  # 1,000 s
LIFETIME = Lifetime(60.0, 30.0, 600.0, 5.0)
ENTRY = Entry(b"k", b"1", ("a", "b"), Timing(2_000.0, LIFETIME, 0.1), position_of(EPOCH, 1, 0), etag='"1"')
SETTLE = 0.3


def _at(seconds: float) -> Position:
    return position_of(EPOCH, round(seconds * 1000), 7)


def _ledger(**invalidated: float) -> Ledger:
    ledger = Ledger()
    for tag, seconds in sorted(invalidated.items(), key=lambda item: item[1]):
        ledger.apply(_at(seconds), [tag])
    return ledger


@pytest.mark.parametrize(
    ("invalidated", "left"),
    [
        ({"a": 1_999.9}, 0.2),
        ({"a": 1_999.8, "b": 1_999.95}, 0.25),  # the last one counts
        ({"a": 2_000.02}, 0.32),  # while it was loaded
        ({"a": 1_999.701}, None),  # by the log's precision
        ({"a": 1_999.7}, None),
        ({"a": 1_000.0}, None),
        ({"c": 1_999.9}, None),  # another's
        ({}, None),
    ],
)
def test_it_ends_so_long_after_the_last_invalidation_of_its_tags(
    invalidated: dict[str, float], left: float | None
) -> None:
    entry = until_settled(ENTRY, _ledger(**invalidated), SETTLE, serve_then=False)
    if left is None:
        assert entry is ENTRY
    else:
        assert isclose(entry.timing.lifetime.fresh_for, left, abs_tol=1e-6)
        assert entry.timing.lifetime[1:] == (0.0, *LIFETIME[2:])
        assert (entry.timing.at, entry.timing.cost, entry.etag, entry.payload) == (2_000.0, 0.0, None, b"1")


def test_what_ends_sooner_by_itself_is_left_as_it_is() -> None:
    short = replace(ENTRY, timing=Timing(2_000.0, Lifetime(0.1)))
    assert until_settled(short, _ledger(a=1_999.9), SETTLE, serve_then=False) is short


def test_what_is_served_when_invalidated_is_served_then() -> None:
    entry = until_settled(ENTRY, _ledger(a=1_999.9), SETTLE, serve_then=True)
    assert entry.timing.lifetime.stale_while_revalidate == LIFETIME.stale_while_revalidate


def test_what_was_lost_unread_may_have_named_it() -> None:
    """The floor stands for all invalidations before it; a new epoch has the floor of its making."""
    lost, began = Ledger(), Ledger()
    lost.lose(_at(1_999.9))
    began.begin_epoch(1_999_900_000)
    for ledger in (lost, began):
        entry = until_settled(ENTRY, ledger, SETTLE, serve_then=False)
        assert isclose(entry.timing.lifetime.fresh_for, 0.2, abs_tol=1e-6)
    assert seconds_of(position_of(1_999_900_000, 0, 0)) == 1_999.9


BATCH = 'batch = { path = "/users?ids={ids}", max = 50, key = "id" }\n[screens.home]'


@pytest.mark.parametrize(("settle", "seconds"), [('settle = "300ms"', 0.3), ("", 0.0)])
@pytest.mark.parametrize("batched", ["[screens.home]", BATCH])
def test_it_is_declared_for_an_mbu_and_holds_for_each_way_to_ask_it(settle: str, seconds: float, batched: str) -> None:
    text = RIGHT.replace("[fragments.user]", f"{settle}\n[fragments.user]").replace("[screens.home]", batched)
    catalogue = declare_raw("screens.toml", tomllib.loads(text), ENVIRON).catalogue
    loaders = {"users": Deadline(Shop(), 1.0)}
    assert source(catalogue.fragments["user"], catalogue, loaders).settle == seconds
