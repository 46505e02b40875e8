"""Views of screens that are not declared any more leave L1 in steps, and none comes in later."""

from dataclasses import replace

from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN, position_of
from aggregator.model.screen import Screen, Slot
from aggregator.model.view import View
from aggregator.tiers.memory import MemoryTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Moments, Timing
from tests.world import fragment, screen

HOME, CARD = (screen(Slot("feed", fragment("feed")), name=name) for name in ("home", "card"))


class Tier(MemoryTier):
    """An L1 of two screens."""

    def __init__(self) -> None:
        super().__init__(1 << 24, Ledger(), Lru())
        self.take([HOME, CARD])

    def hold(self, of: Screen, number: int) -> bool:
        """Put a view; is it held?"""
        view = View(200, b"x", b"0" * 32, (f"t:{number}",), ORIGIN, Timing(0.0, Lifetime(9.0)), Moments(9, 9, 9), 0.0)
        return self.put(of, f"/{of.name}/{number}".encode(), view) is not None


def test_what_is_refused_is_swept_and_does_not_come_in_again() -> None:
    """100 views are looked at in a step; the other screen's stay, found and expelled as before."""
    tier = Tier()
    for number in range(240):
        assert tier.hold(HOME, number)
    assert tier.hold(CARD, 0)
    tier.refuse([HOME])
    left = [len(tier) for _ in tier.sweep()]
    assert left == [141, 41]
    assert len(tier) == 1
    assert not tier.hold(HOME, 1)
    assert tier.size == tier.find(b"/card/0").cost  # type: ignore[union-attr]
    assert len(tier._one) + len(tier._some) == 1
    assert len(tier.overtake("t:0", position_of(1, 1, 0))) == 1


def test_an_equal_screen_is_not_the_same() -> None:
    """The one that is declared later is taken, though it says what the one before it said."""
    tier = Tier()
    tier.refuse([HOME])
    again = replace(HOME)
    assert again == HOME
    tier.take([again, CARD])
    assert not tier.hold(HOME, 1)
    assert tier.hold(again, 1)


def test_what_is_refused_for_a_while_can_be_taken() -> None:
    """What is warmed for later is held by L2 alone until then."""
    tier = Tier()
    tier.refuse([new := replace(HOME)])
    assert not tier.hold(new, 1)
    tier.take([new, CARD])
    assert tier.hold(new, 1)


def test_a_screen_that_nobody_knows_any_more_is_forgotten() -> None:
    """Deploys come again and again."""
    tier = Tier()
    for _ in range(100):
        tier.refuse([replace(HOME)])
    assert not tier._refused


def test_common_tags_are_those_of_the_screens_that_are_taken() -> None:
    """Their invalidation raises the barrier; another one's expels."""
    tier = Tier()
    tier.take([CARD])
    before = tier._ledger.barrier
    tier.overtake("screen:home", position_of(1, 1, 0))
    assert tier._ledger.barrier == before
    tier.overtake("screen:card", position_of(1, 1, 0))
    assert tier._ledger.barrier > before
