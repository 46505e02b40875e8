"""Leases: what a process may do with one that it learns of late."""

import asyncio
from typing import Any

from aggregator.engine.leases import Leases
from aggregator.model.inputs import Inputs
from aggregator.model.ledger import Ledger
from aggregator.model.plan import Want, plan
from aggregator.model.screen import Slot
from aggregator.tiers.local import LocalTier
from aggregator.tiers.tier import Claim
from tests.virtual_time import run
from tests.world import fragment, screen

HOME = screen(Slot("user", fragment("user")))


class LateTier(LocalTier):
    """Grants leases at once; one asked for by the process that is held up is heard of `late` seconds afterwards."""

    late = 0.0

    async def claim(self, *asked: Any) -> Claim:
        claim = await super().claim(*asked)
        await asyncio.sleep(self.late)
        return claim


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
