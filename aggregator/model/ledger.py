"""The ledger is what this process knows of the invalidation log, and so of what is still current."""

from collections import OrderedDict
from collections.abc import Iterable

from aggregator.model.position import ORIGIN, Position


class Ledger:
    """Tag → position of its last invalidation, as far as this process has applied the log.

    head: the last position applied.
    floor: below it nothing that comes from L2 can be proved: a tag without a record was not invalidated
        *since the floor*, and nothing more is known.
    barrier: what L1 holds with a lower position must be proved again before it is used.
    proof_until: the monotonic instant until which this process may vouch for being at the head of the log.
    """

    def __init__(self, capacity: int = 1_000_000) -> None:
        self.head = ORIGIN
        self.floor = ORIGIN
        self.barrier = ORIGIN
        self.proof_until = float("-inf")
        self._capacity = capacity
        # In the order of last invalidation, oldest first. Not a dict: finding the first key of one walks over
        # every place left empty by those dropped before it (20,000 drops of 300,000: 0.22 s, here 0.01 s).
        self._last: OrderedDict[str, Position] = OrderedDict()

    def __len__(self) -> int:
        return len(self._last)

    def apply(self, position: Position, tags: Iterable[str]) -> None:
        """Take over one record of the log."""
        for tag in tags:
            self._last[tag] = position
            self._last.move_to_end(tag)
        self.head = max(self.head, position)
        while len(self._last) > self._capacity:
            self._drop_oldest()

    def forget_before(self, position: Position) -> None:
        """Drop the records older than `position`, as the log itself has been trimmed there."""
        while self._last and next(iter(self._last.values())) < position:
            self._drop_oldest()

    def latest(self, tags: Iterable[str]) -> Position | None:
        """The position of the last invalidation of any of the tags, or None if none is known."""
        return max((self._last[tag] for tag in tags if tag in self._last), default=None)

    def overtaken(self, tags: Iterable[str], position: Position) -> bool:
        """Was one of the tags invalidated after `position`?"""
        last = self._last.get
        return any(last(tag, ORIGIN) > position for tag in tags)

    def current(self, tags: Iterable[str], position: Position) -> bool:
        """Is it proved, from here, that none of the tags was invalidated after `position`?"""
        return position >= self.floor and not self.overtaken(tags, position)

    def good_for(self, since: Position, tags: Iterable[str], position: Position) -> bool:
        """May a caller whose own head was `since` when it asked accept a load stamped `position`?

        Yes if the load began no earlier than the caller asked, whatever happened afterwards; else only if nothing
        overtook it.
        """
        return position >= since or self.current(tags, position)

    def vouches(self, now: float) -> bool:
        """May this process say at monotonic `now` that it is at the head of the log?"""
        return now < self.proof_until

    def begin_epoch(self, epoch: int) -> None:
        """Start over in a new incarnation of the log: everything older is unproven, here and in L2."""
        start = Position(epoch, 0, 0)
        self._last.clear()
        self.head = self.floor = self.barrier = start
        self.proof_until = float("-inf")

    def lose(self, position: Position) -> None:
        """Records up to `position` were lost unread: nothing older can be proved, in L1 neither."""
        self.floor = max(self.floor, position)
        self.barrier = max(self.barrier, position)
        self.head = max(self.head, position)

    def raise_floor(self, position: Position) -> None:
        """Records up to `position` are gone from the log: nothing older from L2 can be proved."""
        self.floor = max(self.floor, position)

    def _drop_oldest(self) -> None:
        _, position = self._last.popitem(last=False)
        self.raise_floor(position)
