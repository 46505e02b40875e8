"""What a heartbeat means, as a table."""

import pytest

from aggregator.invalidation.log import Beat
from aggregator.invalidation.watch import Epoch, Progress, Reach, end, epoch_of, reach, start
from aggregator.model.position import Position

EPOCH = 100


def beat(
    epoch: int | None = EPOCH, last: str = "5-0", first: str | None = "1-0", added: int = 5, trimmed: int = 0
) -> Beat:
    return Beat(epoch, last, last, first, added, trimmed, 0.0)


def reader(passed: int, most_added: int = 0, epoch: int = EPOCH) -> Progress:
    """One that has read records 1-0 to <passed>-0 of its epoch."""
    own = Progress()
    own.restart(Position(epoch, 0, 0), 0)
    for number in range(1, passed + 1):
        own.advance(Position(epoch, number, 0))
    own.saw(beat(added=most_added))
    return own


@pytest.mark.parametrize(
    ("own", "seen", "meaning"),
    [
        (Progress(), beat(), Epoch.BEGAN),
        (Progress(), beat(None, added=0), Epoch.NEEDED),
        (reader(5), beat(), Epoch.SAME),
        (reader(5), beat(None), Epoch.NEEDED),
        (reader(5), beat(EPOCH + 1), Epoch.BEGAN),
        (reader(5), beat(EPOCH - 1), Epoch.NEEDED),
        (reader(5, most_added=5), beat(added=4), Epoch.NEEDED),
        (reader(5, most_added=5), beat(added=5), Epoch.SAME),
        (reader(5, most_added=5), beat(EPOCH + 1, added=1), Epoch.BEGAN),
        (reader(0), beat(added=0, last="0-0", first=None), Epoch.NEEDED),
    ],
)
def test_whose_epoch_a_beat_speaks_of(own: Progress, seen: Beat, meaning: Epoch) -> None:
    """A missing record, a lower number, fewer records than before, or none at all mean that the log was lost."""
    assert epoch_of(own, seen) is meaning


@pytest.mark.parametrize(
    ("own", "seen", "meaning"),
    [
        (reader(5), beat(), Reach.AT_HEAD),
        (reader(4), beat(), Reach.BEHIND),
        (reader(0), beat(), Reach.BEHIND),
        (reader(5), beat(added=6), Reach.GAP),
        (reader(5), beat(added=4), Reach.GAP),
        (reader(2), beat(first="3-0", trimmed=2), Reach.BEHIND),
        (reader(2), beat(first="4-0", trimmed=3), Reach.GAP),
        (reader(5), beat(first="5-0", trimmed=4), Reach.AT_HEAD),
        (reader(5), beat(first=None, trimmed=5), Reach.AT_HEAD),
        # The reader went past the beat's end while it was under way: weighed as of that end.
        (reader(8), beat(), Reach.AT_HEAD),
        (reader(8), beat(added=6), Reach.GAP),
        (reader(8), beat(added=4), Reach.GAP),
        # Too far past to know any more.
        (reader(8_000), beat(added=6), Reach.BEHIND),
    ],
)
def test_how_far_the_reader_is(own: Progress, seen: Beat, meaning: Reach) -> None:
    """Only the count of records shows that some were gone before they were read."""
    assert reach(own, seen) is meaning


@pytest.mark.parametrize(
    ("seen", "position"),
    [
        (beat(), Position(EPOCH, 0, 0)),
        (beat(first="3-1", trimmed=2), Position(EPOCH, 3, 0)),
        (beat(first="3-0", trimmed=2), Position(EPOCH, 2, 2**64 - 1)),
        (beat(first=None, trimmed=5), Position(EPOCH, 5, 0)),
    ],
)
def test_reading_begins_before_the_first_record_still_there(seen: Beat, position: Position) -> None:
    """What was trimmed is under the floor, and no more than that."""
    assert start(EPOCH, seen) == position


def test_lag_counts_the_records_not_passed() -> None:
    """It is what the log had at the last beat, less what has been read."""
    own = reader(2, most_added=5)
    assert own.lag == 3
    own.restart(end(EPOCH, beat()), 5)
    assert own.lag == 0
    own.restart(Position(EPOCH + 1, 0, 0), 0)
    assert own.lag == 0
