"""A flood of URLs that nobody asks for again: L1 keeps what is read, with the eviction that is the default."""

import random

import pytest

from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Slot
from aggregator.model.view import View
from aggregator.tiers.memory import VIEW_OVERHEAD, MemoryTier
from cache_policies.eviction.choice import DEFAULT, chosen
from cache_policies.policy import Lifetime, Moments, Timing
from tests.scale import scale
from tests.world import fragment, screen

HOME = screen(Slot("feed", fragment("feed")))
TIMING, MOMENTS = Timing(0.0, Lifetime(100.0)), Moments(100.0, 100.0, 100.0)
COST = 1_280
HOT = [b"hot/%013d" % number for number in range(1_000)]
# Hits are looked at in windows of so many reads: the worst one counts.
WINDOW = 20_000


class Flooded:
    """An L1 with room for 2,000 views."""

    def __init__(self) -> None:
        self.capacity = 2_000 * COST
        self.tier = MemoryTier(self.capacity, Ledger(), chosen(DEFAULT, self.capacity), HOME.common_tags)

    def ask(self, address: bytes) -> bool:
        """Look an address up, and hold a view of it where there is none; was it a hit?"""
        if self.tier.get(address) is not None:
            return True
        body = b"x" * (COST - VIEW_OVERHEAD - len(address))
        held = self.tier.put(HOME, address, View(200, body, b"0" * 32, (), ORIGIN, TIMING, MOMENTS, 0.0))
        assert held
        assert held.cost == COST
        return False


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("times", "strangers"), [(1, 1), (2, 1), (1, 10)])
def test_s18_random_urls_do_not_empty_the_hot_set(times: int, strangers: int) -> None:
    """A million of them, each asked so many times, and so many between two reads of the hot set: 95 of 100 of these are
    hits all the while, and the bound holds."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    draw, flooded = random.Random(seed), Flooded()
    for address in HOT * 3:
        flooded.ask(address)
    reads = []
    for number in range(scale(60_000, 1_000_000)):
        stranger = b"/%016x" % draw.getrandbits(64)
        for _ in range(times):
            flooded.ask(stranger)
        if number % strangers == 0:
            reads.append(flooded.ask(draw.choice(HOT)))
    windows = [reads[at : at + WINDOW] for at in range(0, len(reads), WINDOW)]
    assert min(sum(window) / len(window) for window in windows) >= 0.95
    assert flooded.tier.size <= flooded.capacity
