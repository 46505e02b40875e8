"""A log that lost records on a real server: it is seen, and by processes that start later too."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from typing import Any

import redis

from aggregator.invalidation import wire
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import epoch_in
from tests.following import Process, following, until
from tests.servers import valkey

STREAM = wire.stream_key("aggregator")


def ask(url: str, *command: Any) -> Any:
    """One command by a client of one's own."""
    with closing(redis.Redis.from_url(url)) as client:
        return client.execute_command(*command)


@asynccontextmanager
async def process_on(url: str) -> AsyncIterator[Process]:
    """One that follows the log of that server, and is at its head."""
    log = RedisLog(url)
    try:
        async with following(log) as process:
            yield process
    finally:
        await log.close()


async def publish(url: str, *tags: str) -> None:
    """Append, as an MBU that has no client of ours."""
    for tag in tags:
        ask(url, "XADD", STREAM, "*", "tags", f'["{tag}"]')


def play(steps: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run them, for a minute at most."""

    async def main() -> None:
        async with asyncio.timeout(60):
            await steps()

    asyncio.run(main())


def test_r09_a_stream_deleted_while_no_process_ran_proves_nothing(clean_redis_url: str) -> None:
    """Its epoch's record is there and nothing was trimmed; what was kept before has lost an invalidation."""

    async def steps() -> None:
        async with process_on(clean_redis_url) as first:
            kept = first.ledger.head
        await publish(clean_redis_url, "user:1", "user:2")
        ask(clean_redis_url, "DEL", STREAM)
        await publish(clean_redis_url, "user:3")
        async with process_on(clean_redis_url) as later:
            assert not later.ledger.current(["user:1"], kept)
            assert later.ledger.current(["user:1"], later.ledger.head)

    play(steps)


def test_r24_an_evicted_log_is_a_lost_one() -> None:
    """A server that evicts whatever it likes, flooded until it has: nothing kept before passes for current."""

    async def steps() -> None:
        async with process_on(url) as process:
            kept, tags = process.ledger.head, []
            while epoch_in(process.ledger.head) == epoch_in(kept):
                tags.append(f"user:{len(tags)}")
                await publish(url, tags[-1])
                for part in range(5):
                    ask(url, "SET", f"flood:{len(tags)}:{part}", bytes(50_000))
                await asyncio.sleep(0)
            await until(lambda: process.vouches)
            assert not any(process.ledger.current([tag], kept) for tag in tags)
            assert process.ledger.current(["user:0"], process.ledger.head)

    with valkey("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru") as url:
        play(steps)
