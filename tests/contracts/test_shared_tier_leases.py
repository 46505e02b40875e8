"""The contract of L2's leases: one loads for all, and nobody waits for the dead."""

import pytest

from aggregator.tiers.tier import SharedTier
from tests.contracts.tier_worlds import FAILURE, KEY, OTHER, World, at, claimed, entry, play, until


def test_one_holds_the_lease(world: World):
    """A second contender gets none, nor a failure, until it is given back."""

    async def steps(tier: SharedTier) -> None:
        lease = await claimed(tier, at(1))
        contender = await tier.claim(KEY, at(2))
        assert (contender.lease, contender.failure) == (None, None)
        assert (await tier.claim(OTHER, at(1))).lease is not None
        await tier.release(lease)
        await claimed(tier, at(2))

    play(world, steps)


def test_a_claim_reads_the_entry_in_the_same_step(world: World):
    """For the winner and for the others: it may have been stored since it was last looked for."""

    async def steps(tier: SharedTier) -> None:
        assert (await tier.claim(KEY, at(1))).entry is None
        await tier.store(OTHER, entry(at(1), OTHER))
        assert (await tier.claim(OTHER, at(1))).entry == entry(at(1), OTHER)
        assert (await tier.claim(OTHER, at(1))).entry == entry(at(1), OTHER)

    play(world, steps)


def test_storing_gives_the_lease_back(world: World):
    """The next one may load at once."""

    async def steps(tier: SharedTier) -> None:
        assert await tier.store(KEY, entry(at(1)), await claimed(tier, at(1)))
        await claimed(tier, at(1))

    play(world, steps)


def test_looking_and_claiming_are_one_step(world: World):
    """What is held is given and nothing is claimed, whatever its position; where nothing is held it is a claim."""

    async def steps(tier: SharedTier) -> None:
        assert await tier.store(KEY, entry(at(1)))
        told = await tier.claim(KEY, at(9), at(8), unless_held=True)
        assert (told.entry, told.lease, told.failure) == (entry(at(1)), None, None)
        assert (await tier.claim(KEY, at(9), at(8))).lease is not None
        assert (await tier.claim(OTHER, at(1), unless_held=True)).lease is not None
        assert (await tier.claim(OTHER, at(1), unless_held=True)).lease is None

    play(world, steps)


def test_a_lease_that_was_overtaken_is_taken_over(world: World):
    """1. A claims at 5. 2. A known tag is invalidated at 6. 3. B takes over. 4. A is refused. 5. B stores."""

    async def steps(tier: SharedTier) -> None:
        mine = await claimed(tier, at(5))
        assert (await tier.claim(KEY, at(6), at(5))).lease is None
        theirs = await claimed(tier, at(6), at(6))
        assert not await tier.renew(mine)
        assert not await tier.store(KEY, entry(at(5)), mine)
        await tier.release(mine, FAILURE)
        assert await tier.renew(theirs)
        assert await tier.store(KEY, entry(at(6)), theirs)
        assert await tier.read([KEY]) == [entry(at(6))]

    play(world, steps)


@pytest.mark.parametrize("ms", [4, 5, 6])
def test_r14_a_late_holder_is_refused_wherever_the_other_began(world: World, ms: int):
    """1. A's lease runs out. 2. B, behind A, at its head or beyond, loads, stores, is done. 3. A's answer arrives."""

    async def steps(tier: SharedTier) -> None:
        mine = await claimed(tier, at(5))

        async def stored_by_another() -> bool:
            lease = (await tier.claim(KEY, at(ms))).lease
            return lease is not None and await tier.store(KEY, entry(at(ms), payload=b"2"), lease)

        await until(world, stored_by_another)
        assert not await tier.store(KEY, entry(at(5)), mine)
        assert await tier.read([KEY]) == [entry(at(ms), payload=b"2")]

    play(world, steps, lease_term=0.02)


def test_r14_a_lease_that_ran_out_stores_nothing_beside_another_nor_alone(world: World):
    """While B loads and while nobody does: whether B has been there meanwhile cannot be told."""

    async def steps(tier: SharedTier) -> None:
        mine = await claimed(tier, at(5))

        async def claimed_by_another() -> bool:
            return (await tier.claim(KEY, at(5))).lease is not None

        await until(world, claimed_by_another)
        assert not await tier.store(KEY, entry(at(5)), mine)

        async def run_out() -> bool:
            return KEY.lease not in world.ttls()

        await until(world, run_out)
        assert not await tier.store(KEY, entry(at(5)), mine)
        assert await tier.read([KEY]) == [None]

    play(world, steps, lease_term=0.02)


def test_a_lease_runs_out(world: World):
    """A holder that died blocks nobody for longer than the term; then it has nothing to renew."""

    async def steps(tier: SharedTier) -> None:
        mine = await claimed(tier, at(1))

        async def run_out() -> bool:
            return KEY.lease not in world.ttls()

        await until(world, run_out)
        assert not await tier.renew(mine)
        await claimed(tier, at(1))

    play(world, steps, lease_term=0.05)


def test_renewing_gives_the_full_term_again(world: World):
    """However much of it had passed."""

    async def steps(tier: SharedTier) -> None:
        lease = await claimed(tier, at(1))

        async def well_under_way() -> bool:
            return world.ttls()[KEY.lease] < 9.95

        await until(world, well_under_way)
        before = world.ttls()[KEY.lease]
        assert await tier.renew(lease)
        assert before < world.ttls()[KEY.lease] <= 10.0

    play(world, steps, lease_term=10.0)


def test_a_failure_is_shared_and_forgotten(world: World):
    """Who asks next is told instead of trying, for a second at most; then it may try."""

    async def steps(tier: SharedTier) -> None:
        await tier.release(await claimed(tier, at(1)), FAILURE)
        told = await tier.claim(KEY, at(2))
        assert (told.lease, told.failure) == (None, FAILURE)
        assert 0 < world.ttls()[KEY.lease] <= 1.0

        async def free() -> bool:
            return (await tier.claim(KEY, at(2))).lease is not None

        await until(world, free)

    play(world, steps, failure_term=0.25)


def test_an_answer_ends_a_failure(world: World):
    """Somebody stored without a lease while the failure was shared: it is over."""

    async def steps(tier: SharedTier) -> None:
        await tier.release(await claimed(tier, at(1)), FAILURE)
        assert await tier.store(KEY, entry(at(2)))
        await claimed(tier, at(2))

    play(world, steps)


def test_that_an_answer_is_for_nobody_else_is_told_and_forgotten(world: World):
    """Who asks next gets no lease and is told why, for a second at most; an answer that is kept ends it at once."""

    async def steps(tier: SharedTier) -> None:
        await tier.release(await claimed(tier, at(1)), unshared=True)
        told = await tier.claim(KEY, at(2))
        assert (told.lease, told.failure, told.unshared) == (None, None, True)
        assert 0 < world.ttls()[KEY.lease] <= 1.0
        assert await tier.store(KEY, entry(at(2)))
        assert not (await tier.claim(KEY, at(2))).unshared

    play(world, steps)


def test_storing_without_a_lease_waits_for_the_holder(world: World):
    """While another one loads, a write from the side is refused, and the lease stays."""

    async def steps(tier: SharedTier) -> None:
        lease = await claimed(tier, at(1))
        assert not await tier.store(KEY, entry(at(9)))
        assert await tier.renew(lease)

    play(world, steps)
