"""A nonce is good once in the whole fleet, and only for a while: who was first is settled on the log's server."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any, Literal

from aggregator.invalidation.wire import nonces_key
from aggregator.model.keys import canonical

# Seconds by which a request's time may differ from the server's.
WINDOW = 60
Seen = Literal["first", "again", "late"]
Evaluate = Callable[[str, Sequence[str], Sequence[str | int]], Awaitable[Any]]

# KEYS: the nonces, by the time of their requests. ARGV: one, its time, the window. They have no time to live of their
# own: what has one is evicted when memory is short, and would then be taken again. Each is kept for twice the window,
# so that a server's clock may step back by one.
_FIRST = """
local now = tonumber(redis.call('TIME')[1])
if math.abs(now - ARGV[2]) > tonumber(ARGV[3]) then return 'late' end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 2 * ARGV[3])
return redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1]) == 1 and 'first' or 'again'
"""


class Nonces:
    """evaluate: runs a script on the log's server."""

    def __init__(self, evaluate: Evaluate, namespace: str) -> None:
        self._evaluate = evaluate
        self._key = nonces_key(namespace)

    async def take(self, publisher: str, nonce: str, created: int) -> Seen:
        """Is it the first time? created: Unix seconds. LogUnavailable: nobody knows, so it must not be taken."""
        name = blake2b(canonical([publisher, nonce]), digest_size=16).hexdigest()
        seen: Seen = (await self._evaluate(_FIRST, [self._key], [name, created, WINDOW])).decode()
        return seen
