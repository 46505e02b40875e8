"""A bound around L2: what is too large is not stored, as moving it would make the calls beside it late."""

import asyncio

from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.tiers.tier import Lease, SharedTier


class Bounded:
    """A SharedTier that stores no entry whose payload is larger than `largest` bytes. Who waits for one is told that
    it is of use to nobody else.

    too_large: entries that were not stored for that.
    """

    def __init__(self, inner: SharedTier, largest: int) -> None:
        self.too_large = 0
        self._inner = inner
        self._largest = largest
        self.read, self.claim, self.renew = inner.read, inner.claim, inner.renew
        self.release, self.take_turn, self.close = inner.release, inner.take_turn, inner.close

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """See SharedTier; what is too large is refused, and its lease given back."""
        if len(entry.payload) <= self._largest:
            return self._inner.store(key, entry, lease)
        self.too_large += 1
        return asyncio.ensure_future(self._refused(lease))

    async def _refused(self, lease: Lease | None) -> bool:
        if lease:
            await self._inner.release(lease, unshared=True)
        return False
