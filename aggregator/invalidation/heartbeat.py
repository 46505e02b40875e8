"""The heartbeat: a script that a full server still runs and a replica refuses, and the beat that is in its reply."""

from collections.abc import Sequence
from typing import Any

from aggregator.invalidation.appending import EPOCH
from aggregator.invalidation.log import Beat, LogUnavailable
from aggregator.invalidation.stream_state import state_of

# KEYS: epoch record, stream. They have no time to live that PERSIST could end. It is a write all the same, one that
# takes no memory: a replica refuses it, and so does a master with fewer replicas than its min-replicas-to-write. On a
# key that is there, for while a slot of a Cluster is moving, what names another one as well is put off. A script and no
# transaction, for which Redis 7 queues nothing while its memory is full, not even reads.
BEAT = """
redis.call('PERSIST', KEYS[1])
local replication = redis.call('INFO', 'replication')
return {
    string.match(replication, 'role:(%w+)'),
    string.match(replication, 'master_replid:(%w+)'),
    redis.call('GET', KEYS[1]),
    redis.call('TIME'),
    redis.pcall('XINFO', 'STREAM', KEYS[2]),
}
"""


def beat_of(reply: Sequence[Any]) -> Beat:
    """What the script said; LogUnavailable if this server cannot know where the log ends."""
    role, replid, record, (seconds, microseconds), stream = reply
    if role != b"master":
        raise LogUnavailable("beat: this server is a replica, which cannot know the end of the log")
    match = EPOCH.fullmatch(record or b"")
    epoch = int(match[1]) if match and match[2] == replid else None
    now = int(seconds) + int(microseconds) / 1e6
    state = state_of(stream)
    return Beat(epoch, state.last_id, state.newest_id, state.first_id, state.added, state.trimmed, now)
