"""Records that are lost one by one: each is a gap that is seen, and what it may have overtaken is current no more."""

import asyncio
from contextlib import closing
from random import Random

import pytest
import redis

from aggregator.invalidation import wire
from aggregator.invalidation.local import LocalLog
from aggregator.invalidation.redis_stream import RedisLog
from tests.following import following, until
from tests.scale import scale
from tests.virtual_time import run

PER_SECOND, SECONDS = 200, scale(10, 60)
# KEYS: the stream. ARGV: the tags. In one step, so that no reader can see the record.
_APPEND_AND_LOSE = """
local id = redis.call('XADD', KEYS[1], '*', 'tags', ARGV[1])
redis.call('XDEL', KEYS[1], id)
"""


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_r04_every_lost_record_is_a_gap(share: float) -> None:
    """200 invalidations a second, of which so many are lost: as many gaps, each seen before the next invalidation."""
    seed = Random().getrandbits(32)
    print("seed", seed)
    draw = Random(seed)

    async def story() -> None:
        log = LocalLog(asyncio.get_running_loop().time)
        async with following(log) as process:
            lost = 0
            for number in range(PER_SECOND * SECONDS):
                kept, tag = process.ledger.head, f"user:{number}"
                if draw.random() < share:
                    lost += 1
                    log.lose_next = 1
                await log.append([tag])
                await asyncio.sleep(1 / PER_SECOND)
                assert process.follower.gaps == lost
                assert not process.ledger.current([tag], kept)
            assert lost
            assert process.vouches
            assert process.ledger.current(["user:0"], process.ledger.head)

    run(story())


def test_r04_on_a_real_server_every_lost_record_is_a_gap(clean_redis_url: str) -> None:
    """Seen within two seconds, with one that is there behind it or without."""

    async def main() -> None:
        stream, log = wire.stream_key("aggregator"), RedisLog(clean_redis_url)
        with closing(redis.Redis.from_url(clean_redis_url)) as client:
            async with following(log) as process:
                for number in range(scale(4, 40)):
                    kept = process.ledger.head
                    client.eval(_APPEND_AND_LOSE, 1, stream, '["user:1"]')
                    if number % 2:
                        client.xadd(stream, {"tags": '["user:2"]'})
                    async with asyncio.timeout(2.0):
                        await until(lambda told=number + 1: process.follower.gaps == told)
                    assert not process.ledger.current(["user:1"], kept)
                    assert process.ledger.barrier > kept
            await log.close()

    asyncio.run(main())
