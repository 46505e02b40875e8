"""The ledger is what this process knows of the invalidation log, and so of what is still current."""

from collections import OrderedDict
from collections.abc import Collection, Iterable

from aggregator.model.position import ORIGIN, Position, ms_of, position_of

# How many invalidations of one tag are remembered, to tell which was the first after an entry.
_REMEMBERED = 4
_Marks = tuple[Position, ...]
_NEVER: _Marks = (ORIGIN,)


class Ledger:
    """Tag → positions of its last invalidations, as far as this process has applied the log.

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
        self._marks: OrderedDict[str, _Marks] = OrderedDict()

    def __len__(self) -> int:
        return len(self._marks)

    def apply(self, position: Position, tags: Iterable[str]) -> None:
        """Take over one record of the log."""
        for tag in tags:
            earlier = self._marks.get(tag)
            self._marks[tag] = (*earlier[1 - _REMEMBERED :], position) if earlier else (position,)
            self._marks.move_to_end(tag)
        self.head = max(self.head, position)
        while len(self._marks) > self._capacity:
            self._drop_oldest()

    def forget_before(self, ms: int) -> None:
        """Drop the records of before an instant (milliseconds of the log's clock), whatever their epochs, as the log
        itself has been trimmed there."""
        while self._marks and ms_of(next(iter(self._marks.values()))[-1]) < ms:
            self._drop_oldest()

    def latest(self, tags: Collection[str]) -> Position | None:
        """The position of the last invalidation of any of the tags, or None if none is known."""
        if self._marks.keys().isdisjoint(tags):
            return None
        return max(self._marks[tag][-1] for tag in tags if tag in self._marks)

    def overtaken(self, tags: Collection[str], position: Position) -> bool:
        """Was one of the tags invalidated after `position`?"""
        # Most tags have no record, and then there is nothing to compare.
        if self._marks.keys().isdisjoint(tags):
            return False
        marks = self._marks.get
        return any(marks(tag, _NEVER)[-1] > position for tag in tags)

    def first_overtaken(self, tags: Iterable[str], position: Position) -> Position | None:
        """The first invalidation of any of the tags after `position`, as far as is remembered: where a tag had more of
        them, `position` itself, which is no later. None if there was none."""
        firsts = [_first_after(self._marks[tag], position) for tag in tags if tag in self._marks]
        return min((first for first in firsts if first is not None), default=None)

    def overtaking(self, tags: Iterable[str], position: Position) -> list[tuple[Position, str]]:
        """Those of the tags that were invalidated after `position`, in the order of that: each behind its first such
        invalidation, as far as is remembered (where a tag had more of them, an earlier one may be meant)."""
        marks = ((self._marks.get(tag, _NEVER), tag) for tag in tags)
        return sorted((next(one for one in each if one > position), tag) for each, tag in marks if each[-1] > position)

    def current(self, tags: Collection[str], position: Position) -> bool:
        """Is it proved, from here, that none of the tags was invalidated after `position`?"""
        return position >= self.floor and not self.overtaken(tags, position)

    def good_for(self, since: Position, tags: Collection[str], position: Position) -> bool:
        """May a caller whose own head was `since` when it asked accept a load stamped `position`?

        Yes if the load began no earlier than the caller asked, whatever happened afterwards; else only if nothing
        overtook it.
        """
        return position >= since or self.current(tags, position)

    def vouches(self, now: float) -> bool:
        """May this process say at monotonic `now` that it is at the head of the log?"""
        return now < self.proof_until

    def begin_epoch(self, epoch: int) -> None:
        """Start over in a new incarnation of the log: everything older is unproven, here and in L2.

        What the lost log had overtaken stays so: 1. A tag is invalidated. 2. The log is lost. 3. An MBU fails, and what
        is unproven may stand in for it; but not what is known to be wrong.
        """
        start = position_of(epoch, 0, 0)
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
        _, marks = self._marks.popitem(last=False)
        self.raise_floor(marks[-1])


def _first_after(marks: _Marks, position: Position) -> Position | None:
    if marks[-1] <= position:
        return None
    if len(marks) == _REMEMBERED and marks[0] > position:
        return position
    return next(mark for mark in marks if mark > position)
