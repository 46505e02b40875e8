"""L2 in this process's memory: the same contract for tests, and for time that does not pass by itself."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from aggregator.clock import Monotonic
from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position
from aggregator.model.turn import Began, Pace, Turns
from aggregator.tiers.codec import decode, encode
from aggregator.tiers.marks import UNSHARED, tokens
from aggregator.tiers.tier import FAILURE_TERM, Claim, Lease, TierUnavailable
from loaders.loader import Failed

T = TypeVar("T")


class _Expiring(Generic[T]):
    """Name → value, each for a time."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[str, tuple[T, float]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def get(self, name: str) -> T | None:
        value, until = self._kept.get(name, (None, 0.0))
        return value if self._monotonic() < until else None

    def set(self, name: str, value: T, term: float) -> None:
        self._kept[name] = value, self._monotonic() + term

    def drop(self, name: str) -> None:
        self._kept.pop(name, None)


class LocalTier:
    """A SharedTier; several "processes" may share one.

    down: play an outage. latency: seconds that each call takes, so that others can come between.
    """

    def __init__(
        self, monotonic: Monotonic, lease_term: float = 0.3, failure_term: float = FAILURE_TERM, latency: float = 0.0
    ) -> None:
        self.down = False
        self.latency = latency
        self.blobs: _Expiring[bytes] = _Expiring(monotonic)
        self._marks: _Expiring[Lease | Failed | bytes] = _Expiring(monotonic)
        self._monotonic = monotonic
        self._turns: defaultdict[str, Turns] = defaultdict(Turns)
        self._lease_term = lease_term
        self._failure_term = failure_term
        self._tokens = tokens()

    def read(self, keys: Sequence[Key]) -> "asyncio.Future[list[Entry | None]]":
        """The entries of the keys, in their order."""
        return self._after_travel(lambda: [self._entry(key) for key in keys])

    def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> "asyncio.Future[Claim]":
        """Try to become the one who loads `key`."""
        return self._after_travel(lambda: self._claim(key, position, known_tags_overtook, unless_held))

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        """Extend a lease by its full term, if it is still mine."""
        return self._after_travel(lambda: self._renew(lease))

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """Keep the entry and give the lease back; False where refused, or nothing is to be kept."""
        return self._after_travel(lambda: self._store(key, entry, lease))

    def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> "asyncio.Future[None]":
        """Give the lease back without an entry; what others should know is left in its place."""
        return self._after_travel(lambda: self._release(lease, failure, unshared))

    def take_turn(self, name: str, pace: Pace, began: Began | None = None) -> "asyncio.Future[float]":
        """Take the fleet's next turn of this name."""
        return self._after_travel(lambda: self._turns[name].take(pace, self._monotonic(), began))

    async def close(self) -> None:
        """Nothing is held."""

    def _after_travel(self, act: Callable[[], T]) -> "asyncio.Future[T]":
        async def travel() -> T:
            await asyncio.sleep(self.latency)
            if self.down:
                raise TierUnavailable("the local tier plays an outage")
            return act()

        return asyncio.get_running_loop().create_task(travel())

    def _claim(self, key: Key, position: Position, known_tags_overtook: Position | None, unless_held: bool) -> Claim:
        mark, entry = self._marks.get(key.lease), self._entry(key)
        if unless_held and entry:
            return Claim(None, entry)
        if isinstance(mark, Failed | bytes):
            return Claim(None, entry, mark if isinstance(mark, Failed) else None, mark == UNSHARED)
        if mark is not None and (known_tags_overtook is None or mark.position >= known_tags_overtook):
            return Claim(None, entry)
        lease = Lease(key, self._tokens(), position)
        self._marks.set(key.lease, lease, self._lease_term)
        return Claim(lease, entry)

    def _renew(self, lease: Lease) -> bool:
        mine = self._marks.get(lease.key.lease) == lease
        if mine:
            self._marks.set(lease.key.lease, lease, self._lease_term)
        return mine

    def _store(self, key: Key, entry: Entry, lease: Lease | None) -> bool:
        mark, held = self._marks.get(key.lease), self._entry(key)
        if (mark if isinstance(mark, Lease) else None) != lease:
            return False
        self._marks.drop(key.lease)
        kept_for = entry.kept_for
        if kept_for <= 0 or (held is not None and entry.position < held.position):
            return False
        self.blobs.set(key.name, encode(entry), kept_for)
        return True

    def _release(self, lease: Lease, failure: Failed | None, unshared: bool) -> None:
        if self._marks.get(lease.key.lease) != lease:
            return
        self._marks.drop(lease.key.lease)
        if told := failure or (UNSHARED if unshared else None):
            self._marks.set(lease.key.lease, told, self._failure_term)

    def _entry(self, key: Key) -> Entry | None:
        blob = self.blobs.get(key.name)
        return None if blob is None else decode(key.identity, blob)
