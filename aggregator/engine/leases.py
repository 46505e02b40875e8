"""A lease lets one process of the fleet load a key; the others wait for what it stores, or for it to fail."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from aggregator.events import Joined, Observer
from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.plan import Want
from aggregator.tiers.tier import Claim, Lease, SharedTier, TierUnavailable
from loaders.loader import Failed, Reason

ALONE = Claim(None, None)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.025


class Leases:
    """renew_every: seconds; a third of a lease's term."""

    def __init__(self, tier: SharedTier, ledger: Ledger, observe: Observer, renew_every: float = 0.1) -> None:
        self._tier = tier
        self._ledger = ledger
        self._observe = observe
        self._renew_every = renew_every

    async def obtain(self, want: Want, good: Callable[[Entry], bool], expires_at: float, unread: bool = False) -> Claim:
        """Wait until this process may load `want`, or need not.

        The claim has a lease (load now), a good entry (loaded by another process), a failure (met by it), or none
        of the three: L2 is away, or what is answered is for nobody else; load without a lease. unread: the caller has
        not looked into L2 yet; what is found there is given as it is, good or not, and nothing is claimed then.
        """
        loop, pause, waited = asyncio.get_running_loop(), _FIRST_PAUSE, False
        while True:
            claim = await self._ask(want, good, unread)
            if claim is ALONE or claim.lease or claim.failure or (claim.entry and (unread or good(claim.entry))):
                return claim
            unread = False
            if loop.time() + pause >= expires_at:
                return Claim(None, claim.entry, Failed(Reason.DEADLINE, "another process was still loading it"))
            if not waited:
                waited = True
                self._observe(Joined("fleet"))
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _ask(self, want: Want, good: Callable[[Entry], bool], unless_held: bool) -> Claim:
        asked_at, overtook = asyncio.get_running_loop().time(), self._ledger.latest(want.tags)
        try:
            claim = await self._tier.claim(want.key, self._ledger.head, overtook, unless_held)
            if claim.lease and claim.entry and good(claim.entry):
                # It was stored between our look and our claim: nothing is left to load.
                await self._tier.release(claim.lease)
                return Claim(None, claim.entry)
            if claim.lease and self._late(asked_at) and not await self._tier.renew(claim.lease):
                return Claim(None, claim.entry)
        except TierUnavailable:
            return ALONE
        return ALONE if claim.unshared else claim

    def _late(self, asked_at: float) -> bool:
        """May a lease just won be ours no more? 1. It is granted. 2. A burst holds this process up for a lease's whole
        term. 3. Another process is granted it, and loads. 4. We learn of 1, and would load too."""
        return asyncio.get_running_loop().time() - asked_at > 1.5 * self._renew_every  # half of its term

    def held(self, lease: Lease | None) -> AbstractContextManager[None]:
        """Keep renewing the lease while the block runs."""
        return nullcontext() if lease is None else _Holding(self._tier, lease, self._renew_every)


class _Holding:
    """A lease that is renewed again and again. Most loads are over before that is due for the first time, so it takes
    a timer, and no task."""

    __slots__ = ("_every", "_lease", "_tier", "_timer")

    def __init__(self, tier: SharedTier, lease: Lease, every: float) -> None:
        self._tier = tier
        self._lease = lease
        self._every = every

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._renew)

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def _renew(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._renew)
        self._tier.renew(self._lease).add_done_callback(self._renewed)

    def _renewed(self, renewal: "asyncio.Future[bool]") -> None:
        # Where L2 did not answer, it may be back before the lease has run out.
        if not renewal.cancelled() and renewal.exception() is None and not renewal.result():
            self._timer.cancel()
