"""What XINFO STREAM says of the log at one moment, and what was read between two of them."""

from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from aggregator.invalidation import wire
from aggregator.invalidation.log import Batch, LogUnavailable, Record
from aggregator.model.position import places_of, position_at


@dataclass(frozen=True, slots=True)
class StreamState:
    """Each field as in `Beat`; without arguments, of a stream that does not exist."""

    newest_id: str = "0-0"
    last_id: str = "0-0"
    first_id: str | None = None
    added: int = 0
    trimmed: int = 0


def state_of(reply: Any) -> StreamState:
    """From the reply as it comes, a flat list or an error. LogUnavailable for servers that do not count."""
    if isinstance(reply, ResponseError) and "no such key" in str(reply):
        return StreamState()
    if isinstance(reply, Exception):
        raise reply
    said = dict(zip(reply[::2], reply[1::2], strict=True))
    if b"entries-added" not in said:
        raise LogUnavailable("XINFO STREAM without entries-added; the log needs Redis 7.0 or newer, or Valkey")
    newest_id, added = said[b"last-generated-id"].decode(), said[b"entries-added"]
    first, last = said[b"first-entry"], said[b"last-entry"]
    return StreamState(
        newest_id,
        last[0].decode() if last else newest_id,
        first[0].decode() if first else None,
        added,
        added - said[b"length"],
    )


def batch_between(before: StreamState, found: Any, behind: StreamState) -> Batch:
    """The reply of XRANGE, up to where the log ended before it. Of what was counted before and behind it the least
    appended and the most gone are taken, so that whatever happened in between, nothing passes for whole that is not."""
    if isinstance(found, Exception):
        raise found
    end = position_at(0, before.newest_id)
    while found and position_at(0, found[-1][0]) > end:
        found.pop()
    places = places_of(id for id, _ in found)
    records = [Record(place, wire.decode_tags(fields)) for place, (_, fields) in zip(places, found, strict=True)]
    return Batch(records, before.newest_id, min(before.added, behind.added), max(before.trimmed, behind.trimmed))
