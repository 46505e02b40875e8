"""The bound around L2, over every implementation: what is too large is refused, and nobody waits for it."""

from aggregator.tiers.bounded import Bounded
from aggregator.tiers.tier import SharedTier
from tests.contracts.tier_worlds import KEY, World, at, claimed, entry, play

LARGEST = 1_000
FITS, TOO_LARGE = entry(at(1), payload=b"1" * LARGEST), entry(at(2), payload=b"1" * (LARGEST + 1))


def test_r32_an_entry_of_the_bound_is_kept_and_one_byte_more_is_not(world: World):
    """What was kept before stays, and each refusal is counted."""

    async def steps(tier: SharedTier) -> None:
        bounded = Bounded(tier, LARGEST)
        assert await bounded.store(KEY, FITS, await claimed(bounded, at(1)))
        assert not await bounded.store(KEY, TOO_LARGE)
        assert await bounded.read([KEY]) == [FITS]
        assert bounded.too_large == 1

    play(world, steps)


def test_r32_who_waits_for_what_is_too_large_loads_for_himself(world: World):
    """Its lease is given back, others are told that it is of use to nobody else, and what then fits is kept."""

    async def steps(tier: SharedTier) -> None:
        bounded = Bounded(tier, LARGEST)
        lease = await claimed(bounded, at(2))
        assert not await bounded.store(KEY, TOO_LARGE, lease)
        told = await bounded.claim(KEY, at(2))
        assert (told.lease, told.entry, told.unshared) == (None, None, True)
        assert await bounded.store(KEY, FITS)
        assert (await bounded.claim(KEY, at(2))).entry == FITS

    play(world, steps)
