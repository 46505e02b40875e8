"""The breaker around L2."""

import asyncio

import pytest

from aggregator.model.keys import Key
from aggregator.tiers.guarded import Guarded
from aggregator.tiers.local import LocalTier
from aggregator.tiers.tier import TierUnavailable

KEY = Key("name", b"identity")


class Counted(LocalTier):
    """A LocalTier that counts the reads that reach it and may hold them up."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        super().__init__(lambda: self.now)

    def read(self, keys):  # type: ignore[no-untyped-def]
        self.reads += 1

        async def read():  # type: ignore[no-untyped-def]
            await self.gate.wait()
            return await super(Counted, self).read(keys)

        return asyncio.ensure_future(read())


async def failing(tier: Guarded, times: int) -> None:
    """So many reads in a row fail."""
    for _ in range(times):
        with pytest.raises(TierUnavailable):
            await tier.read([KEY])


async def opened() -> tuple[Counted, Guarded]:
    """A breaker that three failures have opened."""
    inner = Counted()
    tier = Guarded(inner, lambda: inner.now)
    inner.down = True
    await failing(tier, 3)
    return inner, tier


def test_after_three_failures_nobody_waits():
    """The inner tier is not asked for a while, even though it would answer again."""

    async def steps() -> None:
        inner, tier = await opened()
        inner.down = False
        inner.now += 0.249
        await failing(tier, 5)
        assert inner.reads == 3
        assert tier.failed == 3

    asyncio.run(steps())


def test_what_is_wrong_is_told_once_and_that_it_is_over():
    """However long it lasts, and however many ask."""

    async def steps() -> None:
        inner, told = Counted(), []
        tier = Guarded(inner, lambda: inner.now, on_notice=lambda *notice: told.append(notice))
        await tier.read([KEY])
        inner.down = True
        for _ in range(4):
            await failing(tier, 5)
            inner.now += 1.0
        inner.down = False
        await tier.read([KEY])
        await tier.read([KEY])
        assert told == [("l2_away", "the local tier plays an outage"), ("l2_back", "")]

    asyncio.run(steps())


def test_a_success_between_counts_anew():
    """Only failures in a row open the breaker."""

    async def steps() -> None:
        inner = Counted()
        tier = Guarded(inner, lambda: inner.now)
        for _ in range(3):
            inner.down = True
            await failing(tier, 2)
            inner.down = False
            await tier.read([KEY])
        assert inner.reads == 9

    asyncio.run(steps())


def test_after_the_pause_one_goes_through_and_closes_it():
    """While it is under way the others are still refused; its success lets all in again."""

    async def steps() -> None:
        inner, tier = await opened()
        inner.down = False
        inner.now += 0.25
        inner.gate.clear()
        probe = tier.read([KEY])
        await asyncio.sleep(0)
        await asyncio.wait_for(failing(tier, 2), 5.0)
        inner.gate.set()
        assert await probe == [None]
        assert await tier.read([KEY]) == [None]
        assert inner.reads == 5

    asyncio.run(steps())


def test_a_probe_that_fails_opens_it_again():
    """For another pause."""

    async def steps() -> None:
        inner, tier = await opened()
        inner.now += 0.25
        await failing(tier, 3)
        assert inner.reads == 4
        inner.now += 0.25
        await failing(tier, 1)
        assert inner.reads == 5

    asyncio.run(steps())


def test_a_probe_whose_caller_leaves_is_followed_by_another():
    """Cancelled, it has shown nothing; nobody is locked out for it."""

    async def steps() -> None:
        inner, tier = await opened()
        inner.down = False
        inner.now += 0.25
        inner.gate.clear()
        probe = tier.read([KEY])
        await asyncio.sleep(0)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        inner.gate.set()
        assert await tier.read([KEY]) == [None]

    asyncio.run(steps())


def test_calls_that_fail_together_are_one_failure():
    """A single lost round trip with many waiters does not open the breaker."""

    async def steps() -> None:
        inner = Counted()
        tier = Guarded(inner, lambda: inner.now)
        inner.gate.clear()
        together = [tier.read([KEY]) for _ in range(50)]
        await asyncio.sleep(0)
        inner.now += 0.05
        inner.down = True
        inner.gate.set()
        await asyncio.gather(*together, return_exceptions=True)
        inner.down = False
        assert await tier.read([KEY]) == [None]

    asyncio.run(steps())
