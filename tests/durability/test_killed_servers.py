"""kill -9 of the log's server as soon as it has acknowledged: what is on its disk is there when it is back."""

import asyncio

import redis

from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import stream_id_of
from aggregator.settings import Durability
from tests.servers import Valkey

# The kill of a process leaves what the system has not written yet; that the wait is for the disk, and not for the
# system, is what `test_r06_what_never_gets_to_the_disk_is_refused` shows.
ON_DISK = ("--appendonly", "yes", "--appendfsync", "everysec")


async def acknowledged(url: str, durable: Durability, count: int) -> list[str]:
    """Stream ids of as many invalidations, sent all at once."""
    log = RedisLog(url, durable=durable)
    try:
        return [stream_id_of(at) for at in await asyncio.gather(*(log.append([f"user:{n}"]) for n in range(count)))]
    finally:
        await log.close()


def test_r06_what_is_acknowledged_from_disk_is_there_after_a_kill() -> None:
    """Each is sent while the others wait for the disk, which starves none of them."""
    count = 200
    with Valkey(*ON_DISK) as server:
        ids = asyncio.run(acknowledged(server.url, "disk", count))
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            found = {id.decode() for id, _ in client.xrange("aggregator:invalidations")}  # type: ignore[union-attr]
    print(f"{len(found & set(ids))} of {count} acknowledged invalidations are there")
    assert set(ids) <= found
