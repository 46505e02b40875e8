"""What a heartbeat means, as a table."""

import pytest

from aggregator.invalidation.log import Batch, Beat, Record
from aggregator.invalidation.watch import Epoch, Progress, Reading, at_head, end, epoch_of, reading, start
from aggregator.model.position import Position, position_at, position_of

EPOCH = 100


def beat(
    epoch: int | None = EPOCH, last: str = "5-0", first: str | None = "1-0", added: int = 5, trimmed: int = 0
) -> Beat:
    return Beat(epoch, last, last, first, added, trimmed, 0.0)


def reader(passed: int, most_added: int = 0, epoch: int = EPOCH) -> Progress:
    """One that has read records 1-0 to <passed>-0 of its epoch."""
    own = Progress()
    own.restart(position_of(epoch, 0, 0), 0)
    for number in range(1, passed + 1):
        own.advance([position_of(epoch, number, 0)])
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
    ("own", "seen", "there"),
    [
        (reader(5), beat(), True),
        (reader(4), beat(), False),
        (reader(0), beat(), False),
        (reader(5), beat(added=6), False),
        (reader(5), beat(added=4), False),
        (reader(5), beat(first="5-0", trimmed=4), True),
        (reader(5), beat(first=None, trimmed=5), True),
        # The reader went past the beat's end while it was under way: weighed as of that end.
        (reader(8), beat(), True),
        (reader(8), beat(added=6), False),
        # Too far past to know any more.
        (reader(8_000), beat(added=6), False),
    ],
)
def test_at_the_head_is_who_has_counted_every_record(own: Progress, seen: Beat, there: bool) -> None:
    """The id alone does not do: records may be gone before they were read."""
    assert at_head(own, seen) is there


def batch(*ids: str, newest: str = "9-0", added: int = 9, trimmed: int = 0) -> Batch:
    return Batch([Record(position_at(0, id), ("a",)) for id in ids], newest, added, trimmed)


@pytest.mark.parametrize(
    ("own", "seen", "meaning"),
    [
        (reader(5), batch("6-0", "7-0", added=7), Reading.WHOLE),
        (reader(5), batch(added=5), Reading.WHOLE),
        (reader(5), batch("7-0", added=7), Reading.GAP),
        (reader(5), batch(added=6), Reading.GAP),
        # As many as were asked for: what follows is counted with the next batch.
        (reader(5), batch("6-0", "7-0", "8-0", added=20), Reading.WHOLE),
        (reader(5), batch("8-0", "9-0", "10-0", added=20, trimmed=7), Reading.GAP),
        (reader(5), batch("6-0", added=6, trimmed=5), Reading.WHOLE),
        (reader(5), batch("9-0", added=1), Reading.ELSEWHERE),
    ],
)
def test_a_batch_follows_on_or_does_not(own: Progress, seen: Batch, meaning: Reading) -> None:
    """Only the count of records shows that some were gone before they were read."""
    assert reading(own, seen, limit=3) is meaning


@pytest.mark.parametrize(
    ("seen", "position"),
    [
        (beat(), position_of(EPOCH, 0, 2**64 - 1)),
        (beat(first="3-1", trimmed=2), position_of(EPOCH, 3, 0)),
        (beat(first="3-0", trimmed=2), position_of(EPOCH, 2, 2**64 - 1)),
        (beat(first=None, trimmed=5), position_of(EPOCH, 5, 0)),
    ],
)
def test_reading_begins_before_the_first_record_still_there(seen: Beat, position: Position) -> None:
    """What was trimmed, or deleted with the stream, is under the floor, and no more than that."""
    assert start(EPOCH, seen) == position


def test_lag_counts_the_records_not_passed() -> None:
    """It is what the log had at the last beat, less what has been read."""
    own = reader(2, most_added=5)
    assert own.lag == 3
    own.restart(end(EPOCH, beat()), 5)
    assert own.lag == 0
    own.restart(position_of(EPOCH + 1, 0, 0), 0)
    assert own.lag == 0
