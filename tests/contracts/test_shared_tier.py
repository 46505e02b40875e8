"""The contract of L2's entries and outages: the same for every implementation."""

import random

import pytest

from aggregator.model.keys import make_key
from aggregator.model.position import position_of
from aggregator.tiers.codec import encode
from aggregator.tiers.tier import SharedTier, TierUnavailable
from tests.contracts.tier_worlds import (
    FAILURE,
    KEY,
    OTHER,
    EndingServerWorld,
    FakeRedisWorld,
    GuardedWorld,
    LocalWorld,
    ServerWorld,
    World,
    at,
    claimed,
    entry,
    play,
    until,
)


def test_what_is_not_there_is_none(world: World):
    """And no keys give no entries."""

    async def steps(tier: SharedTier) -> None:
        assert await tier.read([KEY, OTHER]) == [None, None]
        assert await tier.read([]) == []

    play(world, steps)


def test_entries_come_back_in_the_order_of_the_keys(world: World):
    """Also where one is asked for twice, or missing."""

    async def steps(tier: SharedTier) -> None:
        one, other = entry(at(1)), entry(at(1), OTHER, b"2")
        assert await tier.store(KEY, one)
        assert await tier.store(OTHER, other)
        missing = make_key("test", "fragment", "user", b"nobody")
        assert await tier.read([OTHER, missing, KEY, OTHER]) == [other, None, one, other]

    play(world, steps)


def test_r50_l2_never_goes_back(world: World):
    """A lower position does not replace a higher one; an equal and a higher one do."""

    async def steps(tier: SharedTier) -> None:
        assert await tier.store(KEY, entry(at(5), payload=b"5"))
        assert not await tier.store(KEY, entry(at(4), payload=b"4"))
        assert await tier.read([KEY]) == [entry(at(5), payload=b"5")]
        for again in (entry(at(5), payload=b"55"), entry(at(6), payload=b"6")):
            assert await tier.store(KEY, again)
            assert await tier.read([KEY]) == [again]

    play(world, steps)


def test_positions_have_one_order_everywhere(world: World):
    """What is refused follows the order of positions, whatever their bytes: signs, zeros, locales play no part."""
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    edges = [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x41, 0x61, 0xE9, 2**31, 2**63 - 1, 2**63, 2**64 - 1]

    async def steps(tier: SharedTier) -> None:
        for _ in range(60):
            first, second = (position_of(*chance.choices(edges, k=3)) for _ in range(2))
            key = make_key("test", "fragment", "user", b"%d" % chance.getrandbits(64))
            assert await tier.store(key, entry(first, key))
            assert await tier.store(key, entry(second, key)) == (second >= first), (first, second)

    play(world, steps)


def test_what_must_not_be_kept_is_not(world: World):
    """A lifetime of nothing stores nothing, and gives the lease back all the same."""

    async def steps(tier: SharedTier) -> None:
        assert not await tier.store(KEY, entry(at(1), kept_for=0.0), await claimed(tier, at(1)))
        assert await tier.read([KEY]) == [None]
        await claimed(tier, at(1))

    play(world, steps)


def test_an_entry_goes_when_its_last_verdict_has(world: World):
    """It is kept for kept_for and no longer."""

    async def steps(tier: SharedTier) -> None:
        await tier.store(KEY, entry(at(1), kept_for=0.1))
        assert 0 < world.ttls()[KEY.name] <= 0.1

        async def gone() -> bool:
            return await tier.read([KEY]) == [None]

        await until(world, gone)

    play(world, steps)


BLOB = encode(entry(at(9)))
FROM_LATER = BLOB[:4] + b"\xff" + BLOB[5:]  # its position reads higher than any that will come


@pytest.mark.parametrize("blob", [b"", b"x", b"\x9c\x01\xc4\x18", BLOB[:-1], FROM_LATER, encode(entry(at(9), OTHER))])
def test_r37_a_corrupted_entry_is_a_miss_and_is_replaced(world: World, blob: bytes):
    """Garbage, a cut envelope, and another key's: none is an answer, none stays in the way."""

    async def steps(tier: SharedTier) -> None:
        world.plant(KEY.name, blob)
        assert await tier.read([KEY]) == [None]
        claim = await tier.claim(KEY, at(9))
        assert claim.entry is None
        assert await tier.store(KEY, entry(at(9)), claim.lease)
        assert await tier.read([KEY]) == [entry(at(9))]

    play(world, steps)


def test_r37_what_a_claim_finds_damaged_is_replaced(world: World):
    """Also where nobody had looked into L2 before. It goes with the next round trip, as nobody waits for that."""

    async def steps(tier: SharedTier) -> None:
        world.plant(KEY.name, FROM_LATER)
        lease = await claimed(tier, at(9))
        assert await tier.renew(lease)
        assert await tier.store(KEY, entry(at(9)), lease)
        assert await tier.read([KEY]) == [entry(at(9))]

    play(world, steps)


def test_r37_another_type_is_a_miss_and_is_replaced(world: World):
    """Whatever somebody put under the entry's name or the lease's."""

    async def steps(tier: SharedTier) -> None:
        world.plant_other_type(KEY.name)
        world.plant_other_type(KEY.lease)
        assert await tier.read([KEY]) == [None]
        lease = await claimed(tier, at(1))
        assert await tier.renew(lease)
        assert await tier.store(KEY, entry(at(1)), lease)
        assert await tier.read([KEY]) == [entry(at(1))]

    play(world, steps)


def test_r23_every_key_has_a_limit(world: World):
    """Entries, leases and failures: nothing stays for ever."""

    async def steps(tier: SharedTier) -> None:
        await tier.store(KEY, entry(at(1), kept_for=1e12))
        await claimed(tier, at(1))
        await tier.release((await tier.claim(OTHER, at(1))).lease or pytest.fail("no lease"), FAILURE)
        terms = world.ttls()
        assert set(terms) == {KEY.name, KEY.lease, OTHER.lease}
        assert all(0 < seconds < float("inf") for seconds in terms.values())

    play(world, steps)


@pytest.mark.parametrize("kind", [LocalWorld, GuardedWorld, FakeRedisWorld, EndingServerWorld])
def test_an_outage_is_said(kind: type[World]):
    """Every method raises TierUnavailable and nothing else, and closing is quiet."""
    world = kind()

    async def steps(tier: SharedTier) -> None:
        lease = await claimed(tier, at(1))
        world.cut()
        calls = (
            lambda: tier.read([KEY]),
            lambda: tier.claim(KEY, at(1)),
            lambda: tier.renew(lease),
            lambda: tier.store(KEY, entry(at(1)), lease),
            lambda: tier.release(lease),
        )
        for call in calls:
            with pytest.raises(TierUnavailable):
                await call()

    play(world, steps)


def test_a_cut_connection_heals_by_itself(clean_redis_url: str):
    """The server drops every connection; the tier answers again without being told."""
    world = ServerWorld(clean_redis_url)

    async def steps(tier: SharedTier) -> None:
        await tier.store(KEY, entry(at(1)))
        world.client.client_kill_filter(_type="normal", skipme=True)

        async def answers() -> bool:
            try:
                return await tier.read([KEY]) == [entry(at(1))]
            except TierUnavailable:
                return False

        await until(world, answers)

    play(world, steps)
    world.client.close()
