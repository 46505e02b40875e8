"""What is made of a read between two looks at the stream, whatever happened in between."""

import pytest
from redis.exceptions import ResponseError

from aggregator.invalidation.log import LogUnavailable
from aggregator.invalidation.stream_state import StreamState, batch_between, state_of
from aggregator.invalidation.watch import Progress, Reading, reading
from aggregator.model.position import position_of

GONE = StreamState()


def state(newest: int, trimmed: int = 0) -> StreamState:
    """Of a stream that has records <trimmed + 1>-0 to <newest>-0."""
    return StreamState(f"{newest}-0", f"{newest}-0", f"{trimmed + 1}-0", newest, trimmed)


@pytest.mark.parametrize(
    ("before", "ids", "behind", "kept", "meaning"),
    [
        (state(7), [6, 7], state(7), 2, Reading.WHOLE),
        (state(7), [6, 7, 8], state(8), 2, Reading.WHOLE),  # one was appended
        (state(6), [6, 7, 8], state(9), 1, Reading.WHOLE),
        (state(5), [6], state(6), 0, Reading.WHOLE),
        (state(8), [7, 8], state(8, trimmed=6), 2, Reading.GAP),  # one was trimmed
        (state(8, trimmed=6), [7, 8], state(8, trimmed=6), 2, Reading.GAP),
        (state(9, trimmed=6), [7, 8, 9], GONE, 3, Reading.ELSEWHERE),  # the stream was deleted afterwards
        (state(7), [], GONE, 0, Reading.ELSEWHERE),  # or before
        (state(7), [8, 9], state(2), 0, Reading.ELSEWHERE),  # and another begun
        (GONE, [1], state(1), 0, Reading.ELSEWHERE),
    ],
)
def test_what_happened_under_a_read_is_seen(
    before: StreamState, ids: list[int], behind: StreamState, kept: int, meaning: Reading
) -> None:
    """By who has read five records, and takes three at most."""
    own = Progress()
    own.restart(position_of(1, 5, 0), 5)
    batch = batch_between(before, [[b"%d-0" % id, [b"tags", b"[]"]] for id in ids], behind)
    assert len(batch.records) == kept
    assert reading(own, batch, limit=3) is meaning


def test_a_server_that_does_not_count_is_refused() -> None:
    """Redis 6, in words; any other error is raised as it is, and no stream is none."""
    with pytest.raises(LogUnavailable, match=r"Redis 7\.0"):
        state_of([b"length", 1])
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        state_of(ResponseError("WRONGTYPE"))
    assert state_of(ResponseError("ERR no such key")) == GONE
