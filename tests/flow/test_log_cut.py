"""The log is cut off, in every way there is: proof ends within two seconds, and is right again within one."""

import asyncio
from collections.abc import Callable
from contextlib import closing

import pytest
import redis

from aggregator.invalidation import wire
from aggregator.invalidation.redis_stream import RedisLog
from tests.following import Process, following, until
from tests.scale import scale
from tests.servers import Valkey
from tests.tcp_proxy import TcpProxy

WAYS: dict[str, tuple[Callable[[Valkey, TcpProxy], None], Callable[[Valkey, TcpProxy], None]]] = {
    "frozen": (lambda server, proxy: server.freeze(), lambda server, proxy: server.thaw()),
    "silent": (lambda server, proxy: proxy.drop(), lambda server, proxy: proxy.heal()),
    "refused": (lambda server, proxy: proxy.refuse(), lambda server, proxy: proxy.heal()),
    "half-open": (lambda server, proxy: proxy.half_open(), lambda server, proxy: proxy.heal()),
    "beats only": (lambda server, proxy: proxy.drop(b"EVAL"), lambda server, proxy: proxy.heal()),
}


def append(url: str, tag: str) -> None:
    """By another way than the one that is cut."""
    with closing(redis.Redis.from_url(url)) as client:
        client.xadd(wire.stream_key("aggregator"), {"tags": f'["{tag}"]'})


async def one_cut(process: Process, server: Valkey, proxy: TcpProxy, way: str, tag: str) -> None:
    """Cut, invalidate meanwhile, mend."""
    cut, mend = WAYS[way]
    kept = process.ledger.head
    cut(server, proxy)
    try:
        await asyncio.sleep(2.0)
        assert not process.vouches
        if way != "frozen":
            append(server.url, tag)
    finally:
        mend(server, proxy)
    if way == "frozen":
        append(server.url, tag)
    async with asyncio.timeout(1.0):
        await until(lambda: process.vouches and process.ledger.head > kept)
    assert not process.ledger.current([tag], kept)


@pytest.mark.prove
@pytest.mark.parametrize("way", WAYS)
def test_r05_r51_proof_ends_with_every_cut_and_returns_with_the_log(way: str) -> None:
    """What was invalidated meanwhile is known before anything is vouched for again; nothing was lost by it."""

    async def main() -> None:
        with Valkey() as server, TcpProxy(server.url) as proxy:
            log = RedisLog(proxy.url)
            async with following(log) as process:
                for number in range(scale(1, 20)):
                    await one_cut(process, server, proxy, way, f"user:{number}")
                assert (process.follower.gaps, process.follower.epochs) == (0, 1)
            await log.close()

    asyncio.run(main())


def test_r05_killed_connections_are_made_again_and_nothing_is_missed() -> None:
    """CLIENT KILL at once before an invalidation: it is applied within a second all the same."""

    async def main() -> None:
        with Valkey() as server, closing(redis.Redis.from_url(server.url)) as client:
            log = RedisLog(server.url)
            async with following(log) as process:
                for number in range(scale(3, 100)):
                    kept = process.ledger.head
                    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                    append(server.url, f"user:{number}")
                    async with asyncio.timeout(1.0):
                        await until(lambda before=kept: process.ledger.head > before)
                    assert process.vouches
                    assert not process.ledger.current([f"user:{number}"], kept)
                assert (process.follower.gaps, process.follower.epochs) == (0, 1)
            await log.close()

    asyncio.run(main())
