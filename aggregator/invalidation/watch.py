"""What a heartbeat and a batch mean: is it my epoch, is anything missing, have I read all there was."""

from collections import deque
from collections.abc import Sequence
from enum import Enum

from aggregator.invalidation.log import Batch, Beat
from aggregator.model.position import ORIGIN, Position, epoch_in, just_before, position_at

# More than two batches of records, so that a beat is still weighed exactly after the reader went past its end.
_TRAIL = 4_096


class Epoch(Enum):
    """Whose epoch a beat speaks of."""

    SAME = "same"
    BEGAN = "began"  # another process has begun a later one: start over in it
    NEEDED = "needed"  # the log was lost: somebody has to begin a new one


class Reading(Enum):
    """What the records just read are."""

    WHOLE = "whole"  # all that follow what was read before
    GAP = "gap"  # records before or among them were gone before they were read
    ELSEWHERE = "elsewhere"  # the log is shorter than what was read: it was lost, which the next beat will say


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
        return epoch_in(self.head)

    @property
    def lag(self) -> int:
        """Records that were in the log at the last beat, and are not passed yet."""
        return max(0, self.most_added - self.passed)

    def restart(self, head: Position, passed: int) -> None:
        """Go on from another place, which `passed` records lie before."""
        if epoch_in(head) != self.epoch:
            self.most_added = 0
        self.head = head
        self.passed = passed
        self._trail.clear()
        self._trail.append(head)

    def advance(self, positions: Sequence[Position]) -> None:
        """The records there, at least one, are passed."""
        self.head = positions[-1]
        self.passed += len(positions)
        self._trail.extend(positions)

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


def reading(own: Progress, batch: Batch, limit: int) -> Reading:
    """Whether a batch of at most `limit` records follows on what was read before.

    Redis silently skips what was trimmed when it is asked to read on from there; only the count of records shows it.
    It is looked at before the batch is applied: 1 records 5 and 6 are appended, 5 is lost. 2 the reader applies 6, its
    head is 6. 3 a view of a part that 5 overtook is stamped with 6, and believed by every process from then on.
    """
    if batch.added < own.passed:
        return Reading.ELSEWHERE
    whole = len(batch.records) >= limit or own.passed + len(batch.records) == batch.added
    return Reading.WHOLE if whole and batch.trimmed <= own.passed else Reading.GAP


def at_head(own: Progress, beat: Beat) -> bool:
    """Has the reader passed every record there was at a beat of its epoch? May be asked again after every batch."""
    return own.head >= position_at(own.epoch, beat.last_id) and own.passed_at(end(own.epoch, beat)) == beat.added


def start(epoch: int, beat: Beat) -> Position:
    """The place that reading begins after in a new epoch; nothing before it can be known any more.

    Not the epoch's own start where nothing was trimmed: 1. No process runs. 2. The stream is deleted. 3. Something is
    appended, and the stream counts from one again. The epoch's record is still there, and what 2 lost is not.
    """
    return just_before(position_at(epoch, beat.first_id)) if beat.first_id else end(epoch, beat)


def end(epoch: int, beat: Beat | Batch) -> Position:
    """The position of the newest record at that moment, be it still there or not."""
    return position_at(epoch, beat.newest_id)
