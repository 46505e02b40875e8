"""The invalidation log in memory, shared by what plays several processes, with ways to go away and to lose things."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from aggregator.invalidation import wire
from aggregator.invalidation.log import Batch, Beat, LogUnavailable, Record
from aggregator.model.position import ORIGIN, Position, position_at, position_of, stream_id_of


class LocalLog:
    """A `Log` for tests and virtual time; not kept over a restart, and not shared between real processes.

    now: the server's clock, Unix seconds.
    down: while True, every call raises LogUnavailable.
    lose_next: so many of the next records get an id, and are gone before anybody reads them.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.down = False
        self.lose_next = 0
        self._now = now
        self._appended = asyncio.Event()
        self.flush()

    def flush(self) -> None:
        """Lose everything, as FLUSHALL does: the epoch too, and nobody is told."""
        self._epoch: int | None = None
        self._records: list[Record] = []
        self._last = ORIGIN
        self._added = 0

    def garble(self) -> None:
        """Append a record that cannot be understood."""
        self._put(None)

    async def append(self, tags: Sequence[str], *, id: str | None = None, by: str | None = None) -> Position:
        wire.encode(tags, id, by, 0.0)
        self._refuse_when_down()
        if self._epoch is None:
            await self.begin_epoch(None, 1)
        assert self._epoch is not None
        self._put(tuple(tags))
        return position_at(self._epoch, stream_id_of(self._last))

    async def read(self, after: str, count: int, block: float) -> Batch:
        if not self._after(after):
            await self._wait(block)
        self._refuse_when_down()
        newest, trimmed = stream_id_of(self._last), self._added - len(self._records)
        return Batch(self._after(after)[:count], newest, self._added, trimmed)

    async def beat(self) -> Beat:
        self._refuse_when_down()
        first = self._records[0].stream_id if self._records else None
        newest, trimmed = stream_id_of(self._last), self._added - len(self._records)
        last = self._records[-1].stream_id if self._records else newest
        return Beat(self._epoch, last, newest, first, self._added, trimmed, self._now())

    async def begin_epoch(self, unlike: int | None, at_least: int) -> None:
        self._refuse_when_down()
        if self._epoch == unlike:
            self._epoch = max(int(self._now() * 1e6), at_least, (self._epoch or 0) + 1)
            self._put(())

    async def trim(self, older_than: float) -> None:
        self._refuse_when_down()
        cutoff = position_of(0, max(0, int(older_than * 1000)), 0)
        older = bisect_left(self._records, cutoff, key=_place)
        del self._records[: max(0, older - 1)]

    async def close(self) -> None:
        return None

    def _put(self, tags: tuple[str, ...] | None) -> None:
        now = position_of(0, int(self._now() * 1000), 0)
        self._last = max(now, Position(self._last + 1))
        self._added += 1
        if self.lose_next:
            self.lose_next -= 1
        else:
            self._records.append(Record(self._last, tags))
        self._appended.set()
        self._appended = asyncio.Event()

    def _after(self, stream_id: str) -> list[Record]:
        return self._records[bisect_right(self._records, position_at(0, stream_id), key=_place) :]

    async def _wait(self, block: float) -> None:
        try:
            async with asyncio.timeout(block):
                await self._appended.wait()
        except TimeoutError:
            return

    def _refuse_when_down(self) -> None:
        if self.down:
            raise LogUnavailable("the log is down, as told")


def _place(record: Record) -> Position:
    return record.place
