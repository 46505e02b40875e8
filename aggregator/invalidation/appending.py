"""Appending to the stream: what is sent, and the positions in the replies; the same with and without an event loop."""

import re
from collections.abc import Sequence
from typing import Any

from aggregator.invalidation import wire
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position, position_at

EPOCH = re.compile(rb"(\d+) (\w+)")

# KEYS: stream, epoch record. ARGV: the epoch that is to be replaced ("" for none), the least new one.
# The marker makes the stream exist, and wakes readers that wait in the old epoch. It comes before the record,
# so that a script that fails half-way leaves the epoch unmade.
BEGIN_EPOCH = """
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
local epoch, made_by = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) (%w+)$')
if ((made_by == replid and epoch) or '') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local new = math.max(time[1] * 1000000 + time[2], tonumber(ARGV[2]), (tonumber(epoch) or 0) + 1)
redis.call('XADD', KEYS[1], '*', 'tags', '[]')
redis.call('SET', KEYS[2], string.format('%.0f %s', new, replid))
return 1
"""


def queue(pipe: Any, namespace: str, records: Sequence[dict[str, str]]) -> None:
    """Put into a transaction what appends records, all of them or none."""
    for fields in records:
        pipe.xadd(wire.stream_key(namespace), fields)
    pipe.get(wire.epoch_key(namespace))


def positions(replies: Sequence[Any]) -> list[Position] | None:
    """Where the records are, from the transaction's replies; None: nowhere, for no epoch has been begun."""
    match = EPOCH.fullmatch(replies[-1] or b"")
    return [position_at(int(match[1]), stream_id) for stream_id in replies[:-1]] if match else None


def vanished(namespace: str) -> LogUnavailable:
    """The epoch was begun, and is not there."""
    return LogUnavailable(f"append: {wire.epoch_key(namespace)} vanished as soon as it was made; is somebody flushing?")
