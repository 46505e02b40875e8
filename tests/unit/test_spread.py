"""A breaker for each node."""

import asyncio

import pytest
from redis.crc import key_slot

from aggregator.model.entry import Entry
from aggregator.model.keys import make_key
from aggregator.servers.slots import SlotMap
from aggregator.tiers.local import LocalTier
from aggregator.tiers.spread import GuardedNodes
from aggregator.tiers.tier import TierUnavailable
from tests.contracts.tier_worlds import at, entry

HERE, THERE = ("here", 1), ("there", 2)
KEYS = [make_key("test", "fragment", "user", b"%d" % number) for number in range(8)]


class Halves(LocalTier):
    """A LocalTier of which nodes may be down."""

    def __init__(self, slots: SlotMap) -> None:
        super().__init__(lambda: 0.0)
        self.slots, self.away = slots, set[tuple[str, int]]()

    def read(self, keys):  # type: ignore[no-untyped-def]
        [node] = {self.slots.owner(key.name) for key in keys}
        self.down = node in self.away
        return super().read(keys)


def made() -> tuple[Halves, GuardedNodes, list[tuple[str, str]]]:
    """Of eight keys, the first four lie here."""
    slots = SlotMap(HERE)
    for key in KEYS[4:]:
        slots.moved(key_slot(key.name.encode()), THERE)
    inner, notices = Halves(slots), list[tuple[str, str]]()
    return inner, GuardedNodes(slots, inner, lambda: 0.0, lambda what, detail: notices.append((what, detail))), notices


def test_r44_a_reading_is_put_together_from_all_nodes() -> None:
    async def steps() -> None:
        _, tier, _ = made()
        for key in KEYS:
            await tier.store(key, entry(at(1), key))
        assert [one and one.identity for one in await tier.read(KEYS)] == [key.identity for key in KEYS]

    asyncio.run(steps())


def test_r44_the_breaker_of_one_node_is_its_own() -> None:
    """Told with its name; what lies there is missed, and only who asks for nothing else is told that it failed."""

    async def steps() -> None:
        inner, tier, notices = made()
        for key in KEYS:
            await tier.store(key, entry(at(1), key))
        inner.away = {THERE}
        for _ in range(4):
            with pytest.raises(TierUnavailable):
                await tier.read(KEYS[4:])
        assert (tier.failed, tier.available, [what for what, _ in notices]) == (3, False, ["l2_away"])
        assert notices[0][1].startswith("there:2 ")
        found: list[Entry | None] = await tier.read(KEYS)
        assert [one is not None for one in found] == [True] * 4 + [False] * 4
        inner.away = {HERE, THERE}
        with pytest.raises(TierUnavailable):
            await tier.read(KEYS)

    asyncio.run(steps())
