"""Erasing deletes whatever L2 keeps under one tag, by looking at all there is; for what must not only be overtaken."""

from collections.abc import AsyncIterator, Sequence

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisClusterException, RedisError

from aggregator.model.address import told_behind
from aggregator.servers.connections import lead
from aggregator.servers.finder import finder_of
from aggregator.servers.url import RedisUrl
from aggregator.tiers.codec import tags_in
from aggregator.tiers.hot import hot_key
from aggregator.tiers.tier import TierUnavailable

_AT_ONCE = 500
# Seconds.
_FIND_WITHIN = 1.0
_KINDS = ("fragment", "view")
# Where no node answers redis-py raises what is no RedisError of its own.
_AWAY = (RedisError, RedisClusterException, OSError)


async def unlist(url: str, namespace: str, viewer: str) -> None:
    """Take out of the hot list whatever may be this viewer's own. TierUnavailable if L2 is away."""
    try:
        async with _client(url) as client:
            listed = [address async for address, _ in client.zscan_iter(hot_key(namespace), count=_AT_ONCE)]
            if theirs := [address for address in listed if viewer in (told_behind(address) or ())]:
                await client.zrem(hot_key(namespace), *theirs)
    except _AWAY as error:
        raise TierUnavailable(f"L2 cannot be reached: {error}") from None


async def erase(url: str, namespace: str, tag: str) -> int:
    """Delete every entry of the namespace that has the tag; how many there were. TierUnavailable if L2 is away.

    Looks at every entry, some hundred at a time, and blocks the server for none of it longer than for one read.
    """
    try:
        async with _client(url) as client:
            return sum([await _erase(client, names, tag) async for names in _entries(client, namespace)])
    except _AWAY as error:
        raise TierUnavailable(f"L2 cannot be reached: {error}") from None


def _client(url: str) -> "Redis | RedisCluster":
    """One that says nothing at first which would take a right of its own, but for a Cluster's COMMAND."""
    found = RedisUrl.of(url)
    if found.kind == "cluster":
        nodes = [ClusterNode(said["host"], said["port"]) for said in map(parse_url, found.asked)]
        return RedisCluster.from_url(found.plain, startup_nodes=nodes, protocol=2, driver_info=None)
    pool = ConnectionPool.from_url(found.plain, protocol=2, driver_info=None)
    lead(pool, finder_of(found, _FIND_WITHIN))
    return Redis.from_pool(pool)


async def _entries(client: "Redis | RedisCluster", namespace: str) -> AsyncIterator[Sequence[bytes]]:
    for kind in _KINDS:
        names: list[bytes] = []
        async for name in client.scan_iter(f"{namespace}:{kind}:*", count=_AT_ONCE, _type="string"):
            names.append(name)
            if len(names) == _AT_ONCE:
                yield names
                names = []
        yield names


async def _erase(client: "Redis | RedisCluster", names: Sequence[bytes], tag: str) -> int:
    async with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.get(name)
        blobs = await pipe.execute()
    found = [name for name, blob in zip(names, blobs, strict=True) if blob and tag in tags_in(blob)]
    return int(await client.unlink(*found)) if found else 0
