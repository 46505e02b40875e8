"""What `durability` asks for is what is confirmed, by real servers; what they cannot confirm is not acknowledged."""

import asyncio
import threading
import time
from typing import Any

import pytest
import redis

from aggregator.invalidation.durability import NeverDurable, Unconfirmed
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.publisher import LogUnavailable
from tests.durability.conftest import Publish
from tests.durability.replicas import replicated
from tests.running import until
from tests.servers import Valkey

STREAM = "aggregator:invalidations"


def records(url: str) -> int:
    """How many are in the log, markers of epochs among them."""
    with redis.Redis.from_url(url) as client:
        return int(client.xlen(STREAM))  # type: ignore[arg-type]


def test_r08_what_a_replica_confirmed_it_has(publish: Publish) -> None:
    """So that it is there after a fail-over. Read from the replica as soon as it is acknowledged."""
    with replicated() as (master, replica):
        publish(master.url, "replica", ["begin"])
        for number in range(20):
            before = records(replica.url)
            publish(master.url, "replica", [f"user:{number}"])
            assert records(replica.url) == before + 1


def test_r08_what_no_replica_confirms_is_refused_within_the_limit(publish: Publish) -> None:
    """The replica hangs. The message says what is missing, and what to do; without the wait it is acknowledged."""
    with replicated() as (master, replica):
        publish(master.url, "replica", ["begin"])
        replica.freeze()
        began = time.monotonic()
        with pytest.raises(LogUnavailable, match=r'durability = "replica": no replica has it .* publish it again'):
            publish(master.url, "replica", ["user:1"])
        assert 2 <= time.monotonic() - began < 10
        assert publish(master.url, "memory", ["user:2"])
        replica.thaw()
        assert publish(master.url, "replica", ["user:1"])


def test_r06_what_never_gets_to_the_disk_is_refused(publish: Publish) -> None:
    """The server writes its file, and leaves it to the system when that is on the disk."""
    with Valkey("--appendonly", "yes", "--appendfsync", "no") as server:
        with pytest.raises(LogUnavailable, match="it is not on the server's disk within 2 s"):
            publish(server.url, "disk", ["user:1"])
        assert publish(server.url, "memory", ["user:1"])


def test_without_a_replica_there_is_nothing_to_confirm(clean_redis_url: str, publish: Publish) -> None:
    with pytest.raises(LogUnavailable) as refused:
        publish(clean_redis_url, "replica", ["user:1"])
    assert isinstance(refused.value.__cause__, Unconfirmed)
    assert not isinstance(refused.value.__cause__, NeverDurable)


def demote_once_waited_for(url: str) -> None:
    """Make the master a replica as soon as somebody waits for one of its own."""
    with redis.Redis.from_url(url) as client:
        info: Any = client.info
        until(lambda: info("clients")["blocked_clients"], "nobody waits")
        client.execute_command("REPLICAOF", "127.0.0.1", 9)  # type: ignore[no-untyped-call]


def test_r08_a_master_that_is_demoted_meanwhile_confirms_nothing(publish: Publish) -> None:
    """It ends the wait. The next try may find the new master, so that this is no reason to give up."""
    with Valkey() as server:
        demotion = threading.Thread(target=demote_once_waited_for, args=(server.url,))
        demotion.start()
        with pytest.raises(LogUnavailable, match="stopped being the master before it was confirmed") as refused:
            publish(server.url, "replica", ["user:1"])
        demotion.join()
    assert not isinstance(refused.value.__cause__, NeverDurable)


def test_who_waits_keeps_no_other_append_waiting(clean_redis_url: str) -> None:
    """A hundred at once are all in the log, and refused for want of a replica, not of a connection."""

    async def at_once() -> list[object]:
        log = RedisLog(clean_redis_url, durable="replica")
        try:
            appends = [log.append([f"user:{number}"]) for number in range(100)]
            return [*await asyncio.gather(*appends, return_exceptions=True)]
        finally:
            await log.close()

    assert {type(told) for told in asyncio.run(at_once())} == {Unconfirmed}
    assert records(clean_redis_url) == 100


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--appendonly", "no"), "appendonly is disabled"), (("--rename-command", "WAITAOF", ""), "unknown command")],
)
def test_a_server_that_keeps_nothing_on_disk_is_told(publish: Publish, options: tuple[str, ...], words: str) -> None:
    """At once, for no retry can help; with what it takes."""
    with Valkey(*options) as server:
        with pytest.raises(LogUnavailable, match=words) as refused:
            publish(server.url, "disk", ["user:1"], deadline=10.0)
        assert records(server.url) == 1, "it was tried again"
    assert isinstance(refused.value.__cause__, NeverDurable)
    assert "it needs Redis 7.2 or Valkey, with appendonly yes" in str(refused.value)
