"""Leases: what a process may do with one that it learns of late."""

import asyncio
from typing import Any

from aggregator.engine.leases import Leases
from aggregator.model.entry import Entry
from aggregator.model.inputs import Inputs
from aggregator.model.ledger import Ledger
from aggregator.model.plan import Want, plan
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Slot
from aggregator.tiers.local import LocalTier
from aggregator.tiers.tier import Claim, Lease
from cache_policies.policy import Lifetime, Timing
from tests.virtual_time import run
from tests.world import fragment, screen

HOME = screen(Slot("user", fragment("user")))


class LateTier(LocalTier):
    """Grants leases at once; one asked for by the process that is held up is heard of `late` seconds afterwards."""

    late = 0.0

    def claim(self, *asked: Any) -> "asyncio.Future[Claim]":
        granted, late = super().claim(*asked), self.late

        async def heard() -> Claim:
            claim = await granted
            await asyncio.sleep(late)
            return claim

        return asyncio.ensure_future(heard())


async def held_up(late: float) -> tuple[Claim, Claim]:
    """What comes of two processes' asking: of one held up while it was granted the lease, and of one after it."""
    loop = asyncio.get_running_loop()
    tier = LateTier(loop.time)
    leases = Leases(tier, Ledger(), lambda event: None)
    [want] = (plan(HOME, Inputs({"id": "42"}), "ns") or {}).values()
    assert isinstance(want, Want)
    tier.late = late
    first = asyncio.create_task(leases.obtain(want, lambda entry: True, loop.time() + 0.6))
    await asyncio.sleep(0.01)
    tier.late = 0.0
    second = await leases.obtain(want, lambda entry: True, loop.time() + 0.45)
    return await first, second


def test_a_lease_that_ran_out_before_it_was_heard_of_is_no_lease() -> None:
    """Another process has it by then, and one load is enough."""
    first, second = run(held_up(0.4))
    assert second.lease
    assert not first.lease


def test_a_lease_heard_of_late_is_renewed_at_once() -> None:
    """It is kept for a full term from then on."""
    first, second = run(held_up(0.25))
    assert first.lease
    assert not second.lease


class CountingTier(LocalTier):
    """Notes when a lease is renewed."""

    renewed_at: tuple[float, ...] = ()

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        self.renewed_at = (*self.renewed_at, asyncio.get_running_loop().time())
        return super().renew(lease)


def wanted() -> Want:
    """What the screen's only slot needs."""
    [want] = (plan(HOME, Inputs({"id": "42"}), "ns") or {}).values()
    assert isinstance(want, Want)
    return want


def test_a_lease_is_renewed_whenever_a_third_of_its_term_is_over() -> None:
    """No sooner, so that a load of the usual length costs no round trip more; and no later."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tier = CountingTier(loop.time)
        leases = Leases(tier, Ledger(), lambda event: None, renew_every=0.1)
        lease = (await tier.claim(wanted().key, ORIGIN)).lease
        began = loop.time()
        with leases.held(lease):
            await asyncio.sleep(0.35)
        await asyncio.sleep(1.0)
        assert [round(at - began, 3) for at in tier.renewed_at] == [0.1, 0.2, 0.3]

    run(main())


def test_who_waited_for_another_process_takes_the_lease_though_something_is_there_by_then() -> None:
    """Only at the first look is what is found given as it is; later, what is not good is to be loaded."""

    async def main() -> None:
        loop, want = asyncio.get_running_loop(), wanted()
        tier = LocalTier(loop.time)
        leases = Leases(tier, Ledger(), lambda event: None)
        other = (await tier.claim(want.key, ORIGIN)).lease
        asking = asyncio.create_task(leases.obtain(want, lambda entry: False, loop.time() + 0.6, unread=True))
        await asyncio.sleep(0.01)
        entry = Entry(want.key.identity, b"1", want.tags, Timing(0.0, Lifetime(60.0)), ORIGIN)
        assert await tier.store(want.key, entry, other)
        claim = await asking
        assert claim.lease
        assert claim.entry == entry

    run(main())
