"""Restamping keeps what lives long from sinking under the floor: once proved current, it is written back as of now."""

import asyncio

from aggregator.engine.background import Background
from aggregator.engine.fill import Knowledge
from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import ms_of
from aggregator.tiers.tier import SharedTier


class Restamping:
    """retention: seconds that the invalidation log is kept. What it no longer reaches back to cannot be proved by a
    process that starts later."""

    def __init__(self, tier: SharedTier, knowledge: Knowledge, background: Background, retention: float) -> None:
        self._tier = tier
        self._known = knowledge
        self._background = background
        self._retention = retention

    def consider(self, key: Key, entry: Entry) -> None:
        """Write a current entry back, behind the answer, if its position is older than half the retention."""
        head, aged = self._known.ledger.head, self._known.clock.now() - ms_of(entry.position) / 1000
        if self._known.vouches and aged > self._retention / 2 and entry.position < head:
            self._background.start(("restamp", key.name), lambda: self._write(key, entry))

    def _write(self, key: Key, entry: Entry) -> "asyncio.Future[bool] | None":
        """Where L2 does not take it, the next reader considers it again."""
        if not entry.is_current(self._known.ledger):
            return None
        return self._tier.store(key, entry.restamped(self._known.ledger.head))
