"""On a Cluster, too, users need no rights but those that docs/operating.md gives them."""

import asyncio
import time
from collections.abc import Callable

from redis.crc import key_slot

from aggregator.invalidation.redis_stream import RedisLog
from aggregator.invalidation.wire import stream_key
from aggregator.model.keys import make_key
from aggregator.publisher.sync_log import SyncLog
from aggregator.tiers.erase import erase, unlist
from aggregator.tiers.hot import RedisHotList
from aggregator.tiers.opened import opened
from aggregator.tiers.redis import RedisTier
from tests.cluster import Cluster
from tests.contracts.tier_worlds import PATIENCE, at, entry
from tests.rights import denied, give, on_clusters

KEYS = [make_key("aggregator", "fragment", "user", b"%d" % number) for number in range(20)]


def test_s25_r44_the_documented_rights_are_enough_on_a_cluster(cluster_of: Callable[[str], Cluster]) -> None:
    """Stored, read while a slot moves, noted as hot, followed, published and erased: nothing is denied."""
    where = cluster_of("valkey")
    for node in where.masters:
        give(node.client, "aggregator", "aggregator", "aggregator", password=">pw")
        node.client.execute_command("ACL", "SETUSER", "aggregator", *on_clusters())
        give(node.client, "publisher", "aggregator", "publisher", password=">pw")
        node.client.execute_command("ACL", "SETUSER", "publisher", "+cluster|slots")
        node.client.execute_command("ACL", "LOG", "RESET")

    asyncio.run(as_service(where, where.url.replace("//", "//aggregator:pw@")))
    publisher = SyncLog(where.url.replace("//", "//publisher:pw@"), "aggregator", 5.0, "memory")
    publisher.append_all([{"tags": '["a"]'}])
    publisher.close()

    assert [denied(node.client) for node in where.masters] == [[], [], []]
    called = {name.removeprefix("cmdstat_") for node in where.masters for name in node.client.info("commandstats")}
    assert {right[1:] for right in on_clusters()} <= called


async def as_service(where: Cluster, url: str) -> None:
    """All that it does on a Cluster and nowhere else."""
    commands, guard = opened(url, PATIENCE)
    tier = guard(RedisTier(commands), time.monotonic, on_notice=lambda what, detail: None)
    assert all(await asyncio.gather(*[tier.store(key, entry(at(1), key)) for key in KEYS]))
    await RedisHotList(commands, "aggregator").note([(b"/home", 2.0)])
    loop = asyncio.get_running_loop()

    def between() -> None:
        assert None not in asyncio.run_coroutine_threadsafe(read(), loop).result(PATIENCE)

    async def read() -> list[object]:
        return [*await tier.read(KEYS)]

    await asyncio.to_thread(where.move, key_slot(KEYS[0].name.encode()), 1, between)
    log = RedisLog(url)
    await log.append(["user:1"])
    await asyncio.to_thread(where.move, key_slot(stream_key("aggregator").encode()))
    await log.beat()
    await log.close()
    await unlist(url, "aggregator", "anna")
    assert await erase(url, "aggregator", "t") == len(KEYS)
    await tier.close()
