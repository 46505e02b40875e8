"""A breaker around L2: while it does not answer, nobody waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from aggregator.clock import Monotonic
from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position
from aggregator.model.turn import Began, Pace
from aggregator.tiers.tier import Claim, Lease, Moving, SharedTier, TierUnavailable
from loaders.loader import Failed

T = TypeVar("T")


class Guarding(SharedTier, Protocol):
    """A SharedTier that nobody waits for while it does not answer."""

    @property
    def available(self) -> bool:
        """Were the last calls answered?"""

    @property
    def failed(self) -> int:
        """Calls that were made and came to nothing, for want of an answer or by an error of the server."""


class Guarded:
    """A SharedTier that answers TierUnavailable at once for `pause` seconds after `failures` in a row,
    then lets one call through: its outcome closes the breaker or opens it for another pause.

    failed: calls that were made and came to nothing, for want of an answer or by an error of the server.
    on_notice: told "l2_away", and why, when it opens, and "l2_back" when it closes.
    """

    def __init__(
        self,
        inner: SharedTier,
        monotonic: Monotonic,
        failures: int = 3,
        pause: float = 0.25,
        on_notice: Callable[[str, str], None] = lambda what, detail: None,
    ) -> None:
        self._inner = inner
        self._monotonic = monotonic
        self._limit = failures
        self._pause = pause
        self.failed = 0
        self._on_notice = on_notice
        self._failures = 0
        self._failed_at = float("-inf")
        self._probing = False

    @property
    def available(self) -> bool:
        """Did one of the last calls get an answer?"""
        return self._failures < self._limit

    def read(self, keys: Sequence[Key]) -> "asyncio.Future[list[Entry | None]]":
        """See SharedTier."""
        return self._refused() or self._watched(self._inner.read(keys))

    def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> "asyncio.Future[Claim]":
        """See SharedTier."""
        return self._refused() or self._watched(self._inner.claim(key, position, known_tags_overtook, unless_held))

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        """See SharedTier."""
        return self._refused() or self._watched(self._inner.renew(lease))

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """See SharedTier."""
        return self._refused() or self._watched(self._inner.store(key, entry, lease))

    def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> "asyncio.Future[None]":
        """See SharedTier."""
        return self._refused() or self._watched(self._inner.release(lease, failure, unshared))

    def take_turn(self, name: str, pace: Pace, began: Began | None = None) -> "asyncio.Future[float]":
        """See SharedTier."""
        return self._refused() or self._watched(self._inner.take_turn(name, pace, began))

    async def close(self) -> None:
        """Close the inner tier, whatever the breaker says."""
        await self._inner.close()

    def _refused(self) -> "asyncio.Future[Any] | None":
        """A failed future while nobody is let in; None if a call may be made, as the probe if the breaker is open."""
        rested = not self._probing and self._monotonic() >= self._failed_at + self._pause
        if self.available or rested:
            return None
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        refused.set_exception(TierUnavailable("L2 failed several times just now and is left alone for a moment"))
        return refused

    def _watched(self, call: "asyncio.Future[T]") -> "asyncio.Future[T]":
        probe = not self.available
        self._probing = self._probing or probe
        call.add_done_callback(partial(self._ended, self._monotonic(), probe))
        return call

    def _ended(self, began: float, probe: bool, call: "asyncio.Future[Any]") -> None:
        error = None if call.cancelled() else call.exception()
        if isinstance(error, TierUnavailable):
            self.failed += 1
        if isinstance(error, Moving) or (error is None and not call.cancelled()):
            self._answered()
        elif isinstance(error, TierUnavailable):
            self._count(began, error)
        # A probe whose caller left has shown nothing: the next call is the probe.
        self._probing = self._probing and not probe

    def _answered(self) -> None:
        was_available, self._failures = self.available, 0
        if not was_available:
            self._on_notice("l2_back", "")

    def _count(self, began: float, error: TierUnavailable) -> None:
        # Calls under way together fail together: that is one failure, not as many as there were calls.
        if began >= self._failed_at:
            self._failures += 1
            self._failed_at = self._monotonic()
            if self._failures == self._limit:
                self._on_notice("l2_away", str(error))
