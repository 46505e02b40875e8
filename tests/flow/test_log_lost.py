"""A log that lost records on a real server: it is seen, and by processes that start later too."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from aggregator.invalidation import wire
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import Position, epoch_in, just_before
from aggregator.publisher import Publisher, SyncPublisher
from tests.following import Process, following, until
from tests.scale import scale
from tests.sentinels import watched
from tests.servers import KINDS, Valkey, valkey

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


def ask_raw(url: str, *command: Any) -> bytes:
    """The same, as it comes."""
    with closing(redis.Redis.from_url(url)) as client:
        client.set_response_callback(command[0], lambda reply, **_: reply)
        return bytes(client.execute_command(*command))


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def point(link: Path, url: str) -> None:
    """Have whoever connects there from now on talk to that server."""
    link.unlink(missing_ok=True)
    link.symlink_to(url.removeprefix("unix://"))


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


async def until_lost(process: Process, kept: Position) -> None:
    """It has seen, in two seconds, that the log of that position was lost, and is at the head of another."""
    async with asyncio.timeout(2.0):
        await until(lambda: process.ledger.floor > kept and process.vouches)


async def nobody_believes(url: str, kept: Position, seen_by: Process) -> None:
    """Neither who was there nor who starts now takes what was stamped so for current."""
    async with process_on(url) as later:
        for process in (seen_by, later):
            assert not process.ledger.current(["user:1"], kept)
            assert process.ledger.current(["user:1"], process.ledger.head)
        assert later.ledger.head >= seen_by.ledger.floor > kept


def test_r09_a_flushed_log_is_seen_each_time(clean_redis_url: str) -> None:
    """FLUSHALL under appends: positions only ever grow, and those before it prove nothing."""

    async def steps() -> None:
        async with process_on(clean_redis_url) as process:
            for number in range(scale(4, 20)):
                await publish(clean_redis_url, f"user:{number}")
                kept = process.ledger.head
                await publish(clean_redis_url, "user:1")
                ask(clean_redis_url, "FLUSHALL")
                await publish(clean_redis_url, *["other"] * draw.randint(0, 5))
                await until_lost(process, kept)
                await nobody_believes(clean_redis_url, kept, process)

    seed = Random().getrandbits(32)
    print("seed", seed)
    draw = Random(seed)
    play(steps)


@pytest.mark.parametrize("saved", [True, False], ids=["old snapshot", "empty"])
def test_r09_a_server_restarted_with_less_is_seen(saved: bool) -> None:
    """From a snapshot that lacks the last invalidation, or with nothing: within two seconds of its return."""

    async def steps() -> None:
        with Valkey() as server:
            async with process_on(server.url) as process:
                await publish(server.url, "user:0")
                if saved:
                    ask(server.url, "SAVE")
                kept = process.ledger.head
                await publish(server.url, "user:1")
                await until(lambda: process.ledger.head > kept)
                kept = just_before(process.ledger.head)
                server.kill()
                server.start()
                assert ask(server.url, "XLEN", STREAM) == (2 if saved else 0)
                await until_lost(process, kept)
                await nobody_believes(server.url, kept, process)

    play(steps)


def test_r09_a_snapshot_restored_while_no_process_ran_proves_nothing() -> None:
    """Who starts afterwards finds the epoch's record, of another replication id."""

    async def steps() -> None:
        with Valkey() as server:
            async with process_on(server.url) as process:
                ask(server.url, "SAVE")
                kept = process.ledger.head
                await publish(server.url, "user:1")
            server.kill()
            server.start()
            async with process_on(server.url) as later:
                assert not later.ledger.current(["user:1"], kept)

    play(steps)


@contextmanager
def pair() -> Iterator[tuple[str, str]]:
    """The URLs of a master and of a replica that has what the master has."""
    port = str(free_port())
    with valkey("--port", port) as master, valkey("--replicaof", "127.0.0.1", port) as replica:
        while b"master_link_status:up" not in ask_raw(replica, "INFO", "replication"):
            pass
        yield master, replica


def test_r08_a_replica_promoted_without_the_tail_is_seen(tmp_path: Path) -> None:
    """500 acknowledged invalidations were lost with the master: what they overtook is current nowhere."""
    link = tmp_path / "s"

    async def steps() -> None:
        with pair() as (master, replica):
            point(link, master)
            async with process_on(f"unix://{link}") as process:
                kept = process.ledger.head
                ask(replica, "REPLICAOF", "127.0.0.1", "1")  # its link is cut
                await publish(master, *(f"user:{number}" for number in range(500)))
                ask(replica, "REPLICAOF", "NO", "ONE")
                point(link, replica)
                ask(master, "CLIENT", "KILL", "TYPE", "normal")
                await until_lost(process, kept)
                await nobody_believes(replica, kept, process)

    play(steps)


def test_r08_a_demoted_master_that_still_answers_vouches_for_nothing(tmp_path: Path) -> None:
    """Not even once it has all that the new one has; who goes over to the new one vouches again."""
    link = tmp_path / "s"

    async def steps() -> None:
        with pair() as (master, replica):
            point(link, master)
            async with process_on(f"unix://{link}") as process:
                kept = process.ledger.head
                ask(replica, "REPLICAOF", "NO", "ONE")
                ask(replica, "CONFIG", "SET", "port", port := free_port())
                ask(master, "REPLICAOF", "127.0.0.1", port)
                demoted = process.clock.monotonic()
                await until(lambda: not process.vouches)
                assert process.ledger.proof_until <= demoted + 2.0  # it is seen a little later
                async with process_on(replica):  # the new master has an epoch, and so has the old one before long
                    await publish(replica, "user:1")
                    await until(lambda: ask(master, "XLEN", STREAM) == ask(replica, "XLEN", STREAM))
                    await asyncio.sleep(1.0)  # two more heartbeats
                    assert not process.vouches
                point(link, replica)
                ask(master, "CLIENT", "KILL", "TYPE", "normal")
                await until_lost(process, kept)
                await nobody_believes(replica, kept, process)

    play(steps)


@pytest.mark.parametrize("kind", KINDS)
def test_r08_sentinels_lead_to_the_new_master_while_the_old_one_lives(kind: str) -> None:
    """A fail-over that was asked for: whoever follows or starts is at the head of another log within two seconds."""

    async def steps() -> None:
        with watched(kind) as servers:
            async with process_on(servers.url) as process:
                kept = process.ledger.head
                await asyncio.to_thread(servers.give_over)
                await until_lost(process, kept)
                await nobody_believes(servers.url, kept, process)

    play(steps)


@pytest.mark.parametrize("kind", KINDS)
def test_r08_publishers_try_until_another_master_is_named(kind: str) -> None:
    """With an event loop and without: what they acknowledge is in the new one's log."""

    async def steps() -> None:
        with watched(kind) as servers, SyncPublisher(servers.url) as sync:
            async with Publisher(servers.url) as publisher:
                servers.servers[0].kill()
                await asyncio.gather(publisher.invalidate(["a"]), asyncio.to_thread(sync.invalidate, ["b"]))
            appended = [fields[b"tags"] for _, fields in ask(servers.servers[1].url, "XRANGE", STREAM, "-", "+")]
            assert {b'["a"]', b'["b"]'} <= set(appended)

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
