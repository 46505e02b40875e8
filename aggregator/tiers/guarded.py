"""A breaker around L2: while it does not answer, nobody waits for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aggregator.clock import Monotonic
from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position
from aggregator.tiers.tier import Claim, Lease, SharedTier, TierUnavailable
from loaders.loader import Failed


class Guarded:
    """A SharedTier that answers TierUnavailable at once for `pause` seconds after `failures` in a row,
    then lets one call through: its outcome closes the breaker or opens it for another pause."""

    def __init__(self, inner: SharedTier, monotonic: Monotonic, failures: int = 3, pause: float = 0.25) -> None:
        self._inner = inner
        self._monotonic = monotonic
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._failed_at = float("-inf")
        self._probing = False

    @property
    def available(self) -> bool:
        """Did one of the last calls get an answer?"""
        return self._failures < self._limit

    async def read(self, keys: Sequence[Key]) -> list[Entry | None]:
        """See SharedTier."""
        with self._watched():
            return await self._inner.read(keys)

    async def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> Claim:
        """See SharedTier."""
        with self._watched():
            return await self._inner.claim(key, position, known_tags_overtook, unless_held)

    async def renew(self, lease: Lease) -> bool:
        """See SharedTier."""
        with self._watched():
            return await self._inner.renew(lease)

    async def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> bool:
        """See SharedTier."""
        with self._watched():
            return await self._inner.store(key, entry, lease)

    async def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> None:
        """See SharedTier."""
        with self._watched():
            await self._inner.release(lease, failure, unshared)

    async def close(self) -> None:
        """Close the inner tier, whatever the breaker says."""
        await self._inner.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        began = self._monotonic()
        probe = self._admit(began)
        try:
            yield
        except TierUnavailable:
            self._count(began)
            raise
        else:
            self._failures = 0
        finally:
            # A probe whose caller left has shown nothing: the next call is the probe.
            self._probing = self._probing and not probe

    def _admit(self, now: float) -> bool:
        """Let a call in; True if everything hangs on it."""
        if self._failures < self._limit:
            return False
        if self._probing or now < self._failed_at + self._pause:
            raise TierUnavailable("L2 failed several times just now and is left alone for a moment")
        self._probing = True
        return True

    def _count(self, began: float) -> None:
        # Calls under way together fail together: that is one failure, not as many as there were calls.
        if began >= self._failed_at:
            self._failures += 1
            self._failed_at = self._monotonic()
