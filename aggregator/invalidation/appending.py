"""Appending to the stream: what is sent, and the positions in the replies; the same with and without an event loop."""

import re
from collections.abc import Sequence
from typing import Any

from aggregator.invalidation import durability, wire
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position, position_at
from aggregator.settings import Durability

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


def queue(pipe: Any, namespace: str, records: Sequence[dict[str, str]], durable: Durability) -> None:
    """Put into a pipeline what appends records, all of them or none, and waits until they are so durable."""
    # A transaction of redis-py's gives its connection back before one could wait on it.
    pipe.execute_command("MULTI")
    for fields in records:
        pipe.xadd(wire.stream_key(namespace), fields)
    pipe.get(wire.epoch_key(namespace))
    pipe.execute_command("EXEC")
    for command in durability.wait(durable):
        pipe.execute_command(*command)


def positions(replies: Sequence[Any], durable: Durability) -> list[Position] | None:
    """Where the records are, from the pipeline's replies, errors among them; None: nowhere, for no epoch has been
    begun. Unconfirmed; RedisError where one of the commands failed."""
    end = len(replies) - len(durability.wait(durable))
    *queued, executed = replies[:end]
    _raise_first([*queued, *(executed if isinstance(executed, list) else [executed])])
    for reply in replies[end:]:
        durability.confirm(durable, reply)
    *stream_ids, epoch = executed
    match = EPOCH.fullmatch(epoch or b"")
    return [position_at(int(match[1]), stream_id) for stream_id in stream_ids] if match else None


def _raise_first(replies: Sequence[Any]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply


def vanished(namespace: str) -> LogUnavailable:
    """The epoch was begun, and is not there."""
    return LogUnavailable(f"append: {wire.epoch_key(namespace)} vanished as soon as it was made; is somebody flushing?")
