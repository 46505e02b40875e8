"""The ledger is what this process knows of the invalidation log, and so of what is still current."""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice, takewhile

from aggregator.model.position import BITS, ORIGIN, Position, ms_of, position_of

# How many invalidations of one tag are remembered, to tell which was the first after an entry. Their positions are one
# whole number, the last in its lowest bits: a million tags are to be held, and an object for each mark would be most of
# what they take.
_REMEMBERED = 4
_POSITION = (1 << BITS) - 1
_EARLIER = (1 << BITS * (_REMEMBERED - 1)) - 1
# A full ledger drops so many at once: to find the oldest takes a walk over the places of all dropped since the
# dictionary last grew, for which these pay together.
_AT_ONCE = 1_000


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
        # In the order of last invalidation, oldest first.
        self._marks: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def apply(self, position: Position, tags: Iterable[str]) -> None:
        """Take over one record of the log."""
        marks = self._marks
        for tag in tags:
            marks[tag] = (marks.pop(tag, 0) & _EARLIER) << BITS | position
        if position > self.head:
            self.head = position
        if len(marks) > self._capacity:
            excess = len(marks) - self._capacity
            self._drop(list(islice(marks.items(), max(excess, min(_AT_ONCE, self._capacity // 100)))))

    def forget_before(self, ms: int) -> None:
        """Drop the records of before an instant (milliseconds of the log's clock), whatever their epochs, as the log
        itself has been trimmed there."""
        self._drop(list(takewhile(lambda record: ms_of(_last(record[1])) < ms, self._marks.items())))

    def latest(self, tags: Collection[str]) -> Position | None:
        """The position of the last invalidation of any of the tags, or None if none is known."""
        return max((_last(self._marks[tag]) for tag in tags if tag in self._marks), default=None)

    def overtaken(self, tags: Collection[str], position: Position) -> bool:
        """Was one of the tags invalidated after `position`?"""
        # Most tags have no record, and then there is nothing to compare.
        if self._marks.keys().isdisjoint(tags):
            return False
        marks = self._marks.get
        return any(marks(tag, 0) & _POSITION > position for tag in tags)

    def first_overtaken(self, tags: Iterable[str], position: Position) -> Position | None:
        """The first invalidation of any of the tags after `position`, as far as is remembered: where a tag had more of
        them, `position` itself, which is no later. None if there was none."""
        firsts = [_first_after(_each(self._marks[tag]), position) for tag in tags if tag in self._marks]
        return min((first for first in firsts if first is not None), default=None)

    def overtaking(self, tags: Iterable[str], position: Position) -> list[tuple[Position, str]]:
        """Those of the tags that were invalidated after `position`, in the order of that: each behind its first such
        invalidation, as far as is remembered (where a tag had more of them, an earlier one may be meant)."""
        known = {tag: [one for one in _each(self._marks.get(tag, 0)) if one > position] for tag in tags}
        return sorted((after[0], tag) for tag, after in known.items() if after)

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

    def _drop(self, oldest: Iterable[tuple[str, int]]) -> None:
        for tag, marks in oldest:
            del self._marks[tag]
            self.raise_floor(_last(marks))


def _last(marks: int) -> Position:
    return Position(marks & _POSITION)


def _each(marks: int) -> list[Position]:
    """In the order of the log."""
    return [Position(mark) for place in reversed(range(_REMEMBERED)) if (mark := marks >> BITS * place & _POSITION)]


def _first_after(marks: Sequence[Position], position: Position) -> Position | None:
    if marks[-1] <= position:
        return None
    if len(marks) == _REMEMBERED and marks[0] > position:
        return position
    return next(mark for mark in marks if mark > position)
