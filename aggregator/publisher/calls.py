"""Calls that come together go to the log together: what waits is taken as one batch by whoever sends next."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position, text_of
from aggregator.model.tags import union
from aggregator.publisher.records import check, new_id, records

_MAX_CALLS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One invalidation that somebody waits for. until: when that ends, on the monotonic clock."""

    tags: tuple[str, ...]
    id: str | None
    until: float
    answer: Future[str] = field(default_factory=Future)


class Batch:
    """Calls on their way to the log. What they are called there is settled here, once for all retries.

    records: to be appended, all or none. until: when the first of the callers stops waiting.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self.records: list[dict[str, str]] = []
        self.until = min(call.until for call in calls)
        self._ends: list[tuple[Call, int]] = []
        self._put([call for call in calls if call.id is None])
        for call in calls:
            if call.id is not None:
                self._put([call])

    def _put(self, together: Sequence[Call]) -> None:
        if not together:
            return
        tags = union(call.tags for call in together)
        self.records += records(tags, together[0].id or new_id(), time.time())
        self._ends += [(call, len(self.records) - 1) for call in together]

    def settle(self, positions: Sequence[Position]) -> None:
        """They are in the log: tell every caller the position after which its tags are invalid."""
        for call, end in self._ends:
            call.answer.set_result(text_of(positions[end]))

    def fail(self, error: BaseException) -> None:
        """They are not, as far as is known; each caller gets an exception of its own."""
        for call, end in self._ends:
            name = self.records[end]["id"].partition("/")[0] if call.id is None else call.id
            told = f"{error or type(error).__name__}; invalidation {name} may not be in the log: publish it again"
            unavailable = LogUnavailable(told)
            unavailable.__cause__ = error
            call.answer.set_exception(unavailable)


class Calls:
    """What waits to be sent; safe to use from several threads.

    deadline: seconds that each call has.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._waiting: deque[Call] = deque()

    def add(self, tags: Sequence[str], id: str | None) -> Future[str]:
        """One more; its position will be in the future. ValueError for what cannot be published."""
        check(tags, id)
        call = Call(tuple(tags), id, time.monotonic() + self._deadline)
        self._waiting.append(call)
        return call.answer

    def take(self) -> Batch | None:
        """All that wait, up to 1,000 calls; None if there are none."""
        calls = list(self._popped())
        return Batch(calls) if calls else None

    def _popped(self) -> Iterable[Call]:
        for _ in range(_MAX_CALLS):
            try:
                yield self._waiting.popleft()
            except IndexError:
                return
