"""What a heartbeat means: is it my epoch, have I read all there was, and was anything lost on the way."""

from collections import deque
from enum import Enum

from aggregator.invalidation.log import Beat
from aggregator.model.position import ORIGIN, Position

# More than two batches of records, so that a beat is still weighed exactly after the reader went past its end.
_TRAIL = 4_096


class Epoch(Enum):
    """Whose epoch a beat speaks of."""

    SAME = "same"
    BEGAN = "began"  # another process has begun a later one: start over in it
    NEEDED = "needed"  # the log was lost: somebody has to begin a new one


class Reach(Enum):
    """How far the reader has come, compared with the log's end at the moment of a beat."""

    AT_HEAD = "at head"  # it has passed every record there was
    BEHIND = "behind"  # not yet, or not to be told from this beat any more
    GAP = "gap"  # records were gone before it read them


class Progress:
    """How far one process has read.

    epoch: the one it reads in; 0 before any. head: the last record it has passed.
    passed: the ordinal of that record, counted from the beginning of the stream, trimmed ones included.
    most_added: the highest `Beat.added` of this epoch.
    """

    def __init__(self) -> None:
        self.head = ORIGIN
        self.passed = 0
        self.most_added = 0
        self._trail = deque([ORIGIN], maxlen=_TRAIL)

    @property
    def epoch(self) -> int:
        return self.head.epoch

    @property
    def lag(self) -> int:
        """Records that were in the log at the last beat, and are not passed yet."""
        return max(0, self.most_added - self.passed)

    def restart(self, head: Position, passed: int) -> None:
        """Go on from another place, which `passed` records lie before."""
        if head.epoch != self.epoch:
            self.most_added = 0
        self.head = head
        self.passed = passed
        self._trail.clear()
        self._trail.append(head)

    def advance(self, position: Position) -> None:
        """One more record is passed."""
        self.head = position
        self.passed += 1
        self._trail.append(position)

    def saw(self, beat: Beat) -> None:
        """Remember how long the log has been."""
        self.most_added = max(self.most_added, beat.added)

    def passed_at(self, position: Position) -> int | None:
        """How many records were passed when the reader had got to `position`; None if that is too long ago."""
        for later, passed in enumerate(reversed(self._trail)):
            if passed <= position:
                return self.passed - later
        return None


def epoch_of(own: Progress, beat: Beat) -> Epoch:
    """Whether a beat just received belongs to the epoch this process reads in.

    The first record of an epoch is appended when it begins, so that an epoch without records has lost them. A
    lower epoch than one's own is an older state of the server come back.
    """
    if beat.epoch is None or beat.epoch < own.epoch or not beat.added:
        return Epoch.NEEDED
    if beat.epoch > own.epoch:
        return Epoch.BEGAN
    return Epoch.NEEDED if beat.added < own.most_added else Epoch.SAME


def reach(own: Progress, beat: Beat) -> Reach:
    """How far the reader is by now, compared with a beat of its epoch; may be asked again after every batch.

    Redis silently skips what was trimmed when it is asked to read on from there; only the count of records shows it.
    """
    if beat.trimmed > own.passed:
        return Reach.GAP
    if own.head < Position.of(own.epoch, beat.last_id):
        return Reach.BEHIND
    passed = own.passed_at(end(own.epoch, beat))
    if passed is None:
        return Reach.BEHIND
    return Reach.AT_HEAD if passed == beat.added else Reach.GAP


def start(epoch: int, beat: Beat) -> Position:
    """The place that reading begins after in a new epoch; nothing before it can be known any more."""
    if not beat.trimmed:
        return Position(epoch, 0, 0)
    return Position.of(epoch, beat.first_id).before if beat.first_id else end(epoch, beat)


def end(epoch: int, beat: Beat) -> Position:
    """The position of the newest record at the moment of the beat, be it still there or not."""
    return Position.of(epoch, beat.newest_id)
