"""A server that evicts keys without a time to live would evict the log: it is asked at the start, and refused."""

from aggregator.invalidation import wire
from aggregator.invalidation.nonces import Evaluate

# KEYS: the stream, whose server is meant.
_POLICY = "return string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:(%S+)')"


async def evicting(evaluate: Evaluate, namespace: str) -> str | None:
    """The server's maxmemory-policy where it is one of allkeys-*, else None. LogUnavailable: it cannot be known.

    evaluate: runs a script on the log's server.
    """
    policy: str = (await evaluate(_POLICY, [wire.stream_key(namespace)], [])).decode()
    return policy if policy.startswith("allkeys-") else None
