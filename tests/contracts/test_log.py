"""What every log does: the one in memory and the one on a real server alike.

fakeredis is not among them: it has no INFO, and so no replication id, which the heartbeat reads.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any, Protocol

import pytest
import redis

from aggregator.invalidation.local import LocalLog
from aggregator.invalidation.log import Beat, Log, LogUnavailable
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import epoch_in, position_at, stream_id_of
from aggregator.servers.url import RedisUrl
from tests.cluster import Cluster
from tests.servers import KINDS, valkey


class World(Protocol):
    """One log, and what happens to it from outside."""

    def log(self) -> Log: ...
    def garble(self) -> None: ...
    def flush(self) -> None: ...


class LocalWorld:
    def __init__(self) -> None:
        self.only = LocalLog(time.time)

    def log(self) -> Log:
        return self.only

    def garble(self) -> None:
        self.only.garble()

    def flush(self) -> None:
        self.only.flush()


class RedisWorld:
    def __init__(self, url: str, client: redis.Redis) -> None:
        self.url = url
        self.client = client

    def log(self) -> Log:
        return RedisLog(self.url)

    def garble(self) -> None:
        self.client.xadd("aggregator:invalidations", {"tags": "user:42"})

    def flush(self) -> None:
        self.client.flushall()


@pytest.fixture(params=["local", *KINDS, "cluster"])
def world(
    request: pytest.FixtureRequest, url_of: Callable[[str], str | None], cluster_of: Callable[[str], Cluster]
) -> Iterator[World]:
    if request.param == "cluster":
        url = cluster_of("valkey").url
        with closing(redis.RedisCluster.from_url(RedisUrl.of(url).plain)) as client:
            yield RedisWorld(url, client)
        return
    url = url_of(request.param)
    if url is None:
        yield LocalWorld()
        return
    with closing(redis.Redis.from_url(url)) as client:
        yield RedisWorld(url, client)


def with_log(world: World, steps: Callable[[Log], Coroutine[Any, Any, None]]) -> None:
    """Run the steps on a log that is closed afterwards, and not for long."""

    async def main() -> None:
        log = world.log()
        try:
            async with asyncio.timeout(10):
                await steps(log)
        finally:
            await log.close()

    asyncio.run(main())


async def begun(log: Log) -> Beat:
    """The beat of a log that has just begun its first epoch."""
    await log.begin_epoch(None, 1)
    return await log.beat()


async def next_millisecond(log: Log) -> None:
    """Wait until ids are different: by the server's clock, asking it."""
    before = int((await log.beat()).time * 1000)
    while int((await log.beat()).time * 1000) <= before + 1:
        pass


def test_records_are_read_in_the_order_they_were_appended(world: World) -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        positions = [await log.append([f"user:{number}", "all"]) for number in range(5)]
        records = (await log.read("0-0", 100, 0.01)).records
        assert [record.tags for record in records] == [(), *((f"user:{number}", "all") for number in range(5))]
        assert [record.stream_id for record in records[1:]] == [*map(stream_id_of, positions)]
        assert positions == sorted(set(positions))

    with_log(world, steps)


def test_reading_goes_on_after_the_given_id_and_stops_at_the_count(world: World) -> None:
    async def steps(log: Log) -> None:
        positions = [await log.append([f"user:{number}"]) for number in range(5)]
        records = (await log.read(stream_id_of(positions[1]), 2, 0.01)).records
        assert [record.tags for record in records] == [("user:2",), ("user:3",)]
        assert (await log.read(stream_id_of(positions[-1]), 2, 0.01)).records == []

    with_log(world, steps)


def test_a_waiting_read_wakes_when_something_is_appended(world: World) -> None:
    async def steps(log: Log) -> None:
        beat = await begun(log)
        reading = asyncio.create_task(log.read(beat.last_id, 10, 30.0))
        await log.beat()  # the reader has had a turn of the loop to send its request
        position = await log.append(["user:1"])
        async with asyncio.timeout(5):
            assert [record.stream_id for record in (await reading).records] == [stream_id_of(position)]

    with_log(world, steps)


def test_what_is_not_a_list_of_tags_is_a_record_without_tags(world: World) -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        world.garble()
        assert [record.tags for record in (await log.read("0-0", 10, 0.01)).records] == [(), None]

    with_log(world, steps)


@pytest.mark.parametrize("tags", [[], ["a" * 257], ["a\n"], ["user:1", ""], "user:1"])
def test_what_is_no_tag_is_refused_and_not_appended(world: World, tags: Any) -> None:
    async def steps(log: Log) -> None:
        beat = await begun(log)
        with pytest.raises(ValueError, match="invalidat"):
            await log.append(tags)
        assert (await log.beat()).added == beat.added

    with_log(world, steps)


def test_a_log_that_nobody_began_has_no_epoch_and_no_records(world: World) -> None:
    async def steps(log: Log) -> None:
        beat = await log.beat()
        assert (beat.epoch, beat.last_id, beat.first_id, beat.added, beat.trimmed) == (None, "0-0", None, 0, 0)
        assert abs(beat.time - time.time()) < 60

    with_log(world, steps)


def test_a_beat_tells_first_and_last_id_and_how_many_were_appended(world: World) -> None:
    async def steps(log: Log) -> None:
        first = await begun(log)
        last = await log.append(["user:1"])
        beat = await log.beat()
        assert beat.epoch == first.epoch == epoch_in(last)
        assert (beat.first_id, beat.last_id) == (first.last_id, stream_id_of(last))
        assert (beat.added, beat.trimmed) == (2, 0)

    with_log(world, steps)


def test_two_processes_that_race_make_one_epoch(world: World) -> None:
    async def steps(log: Log) -> None:
        other = world.log()
        await asyncio.gather(log.begin_epoch(None, 1), other.begin_epoch(None, 1))
        beat, seen = await log.beat(), await other.beat()
        await other.close()
        assert beat.epoch is not None
        assert beat.epoch == seen.epoch
        assert beat.added == 1

    with_log(world, steps)


def test_an_epoch_is_replaced_only_by_who_knows_it_and_only_by_a_later_one(world: World) -> None:
    async def steps(log: Log) -> None:
        epoch = (await begun(log)).epoch
        assert epoch is not None
        await log.begin_epoch(epoch - 1, 1)
        assert (await log.beat()).epoch == epoch
        await log.begin_epoch(epoch, 1)
        replaced = (await log.beat()).epoch
        assert replaced is not None
        assert replaced > epoch
        await log.begin_epoch(replaced, 4_000_000_000_000_001)
        assert (await log.beat()).epoch == 4_000_000_000_000_001

    with_log(world, steps)


def test_losing_everything_leaves_no_epoch(world: World) -> None:
    async def steps(log: Log) -> None:
        before = await begun(log)
        world.flush()
        assert (await log.beat()).epoch is None
        after = await begun(log)
        assert after.epoch is not None
        assert before.epoch is not None
        assert after.epoch > before.epoch
        assert after.added == 1

    with_log(world, steps)


def test_appending_to_a_log_without_epoch_begins_one_and_is_read_in_it(world: World) -> None:
    async def steps(log: Log) -> None:
        position = await log.append(["user:1"])
        beat = await log.beat()
        assert position == position_at(beat.epoch or 0, beat.last_id)
        assert (await log.read("0-0", 10, 0.01)).records[-1].tags == ("user:1",)

    with_log(world, steps)


def test_trimming_keeps_the_newest_of_the_old_as_a_mark(world: World) -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        await log.append(["old"])
        await next_millisecond(log)
        mark = await log.append(["mark"])
        await next_millisecond(log)
        cutoff = (await log.beat()).time
        await next_millisecond(log)
        await log.append(["new"])
        await log.trim(cutoff)
        await log.trim(cutoff)
        beat = await log.beat()
        assert [record.tags for record in (await log.read("0-0", 10, 0.01)).records] == [("mark",), ("new",)]
        assert beat.first_id == stream_id_of(mark)
        assert beat.added - beat.trimmed == 2

    with_log(world, steps)


def test_trimming_when_everything_is_new_removes_nothing(world: World) -> None:
    async def steps(log: Log) -> None:
        cutoff = (await begun(log)).time - 60
        await log.trim(cutoff)
        await log.trim(-1.0)
        assert (await log.beat()).trimmed == 0

    with_log(world, steps)


# From here on: what only a server does.

STREAM = "aggregator:invalidations"


def raw(url: str, *command: Any) -> Any:
    """One command by a client of one's own, as an MBU in any language would send it."""
    with closing(redis.Redis.from_url(url)) as client:
        return client.execute_command(*command)


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        (["tags", '["user:42"]'], ("user:42",)),
        (["tags", ' ["user:42", "posts-of:42"] ', "id", "7", "by", "users", "other", "x"], ("user:42", "posts-of:42")),
        (["tags", '["ключ"]'], ("ключ",)),
        (["tags", "[]"], ()),
        (["tags", '"user:42"'], None),
        (["tags", '{"user:42":1}'], None),
        (["tags", '["user:42"'], None),
        (["tags", "[42]"], None),
        (["tags", "[NaN]"], None),
        (["tags", '["user:42", ""]'], None),
        (["tags", b'["\xff"]'], None),
        (["tag", '["user:42"]'], None),
        (["tags", '["user:1"]', "tags", '["user:2"]'], None),
    ],
)
def test_what_an_mbu_appends_is_read_as_the_contract_says(
    clean_redis_url: str, fields: list[Any], tags: tuple[str, ...] | None
) -> None:
    async def steps(log: Log) -> None:
        raw(clean_redis_url, "XADD", STREAM, "*", *fields)
        assert [record.tags for record in (await log.read("0-0", 10, 0.01)).records] == [tags]

    with_log(_only(clean_redis_url), steps)


def test_the_key_beside_the_stream_is_in_its_cluster_slot_and_stays(clean_redis_url: str) -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        kept = sorted(raw(clean_redis_url, "KEYS", "*"))
        assert kept == [b"aggregator:invalidations", b"{%b}:epoch" % STREAM.encode()]
        assert [raw(clean_redis_url, "PTTL", key) for key in kept] == [-1, -1]

    with_log(_only(clean_redis_url), steps)


def test_a_deleted_record_still_counts_as_appended(clean_redis_url: str) -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        position = await log.append(["user:1"])
        raw(clean_redis_url, "XDEL", STREAM, stream_id_of(await log.append(["user:2"])))
        beat = await log.beat()
        assert (beat.added, beat.trimmed, beat.last_id) == (3, 1, stream_id_of(position))

    with_log(_only(clean_redis_url), steps)


def test_r08_a_replica_cannot_vouch_and_another_replication_id_is_another_history() -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        await log.begin_epoch((await log.beat()).epoch, 4_000_000_000_000_000)
        epoch = (await log.beat()).epoch
        raw(url, "REPLICAOF", "127.0.0.1", "1")
        for call in (log.beat(), log.append(["user:1"]), log.begin_epoch(epoch, 1)):
            with pytest.raises(LogUnavailable):
                await call
        raw(url, "REPLICAOF", "NO", "ONE")
        assert (await log.beat()).epoch is None
        again = (await begun(log)).epoch
        assert again is not None
        assert epoch is not None
        assert again > epoch

    with valkey() as url:
        with_log(_only(url), steps)


def test_a_restarted_server_that_kept_its_records_has_no_epoch(tmp_path: Any) -> None:
    kept = ("--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always")

    async def before(log: Log) -> None:
        await begun(log)
        await log.append(["user:1"])

    async def after(log: Log) -> None:
        beat = await log.beat()
        assert (beat.epoch, beat.added) == (None, 2)

    for steps in (before, after):
        with valkey(*kept) as url:
            with_log(_only(url), steps)


def test_r08_a_replica_that_takes_writes_cannot_vouch_either() -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        raw(url, "REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(LogUnavailable, match="replica"):
            await log.beat()

    with valkey("--replica-read-only", "no") as url:
        with_log(_only(url), steps)


def test_r08_a_master_cut_off_from_its_replicas_cannot_vouch() -> None:
    """Where min-replicas-to-write says so: another may have been promoted, and this one not told yet."""

    async def steps(log: Log) -> None:
        await begun(log)
        raw(url, "CONFIG", "SET", "min-replicas-to-write", "1")
        for call in (log.beat(), log.append(["user:1"])):
            with pytest.raises(LogUnavailable, match="NOREPLICAS"):
                await call

    with valkey() as url:
        with_log(_only(url), steps)


def test_a_burst_of_appends_is_taken_whole_and_holds_up_no_heartbeat(clean_redis_url: str) -> None:
    async def steps(log: Log) -> None:
        await begun(log)
        reading = asyncio.create_task(log.read("9999999999999-0", 1, 3.0))
        appending = [asyncio.create_task(log.append([f"user:{number}"])) for number in range(300)]
        await asyncio.sleep(0)  # they stand in line by now
        await log.beat()
        assert not all(task.done() for task in appending)
        await asyncio.gather(*appending)
        assert (await log.beat()).added == 301
        assert not reading.done()
        reading.cancel()
        await asyncio.wait([reading])

    with_log(_only(clean_redis_url), steps)


def test_every_call_says_when_the_server_is_gone() -> None:
    async def main() -> None:
        with valkey() as url:
            log = RedisLog(url)
            await log.append(["user:1"])
            await log.read("0-0", 10, 0.01)
        calls = [log.append(["a"]), log.read("0-0", 1, 0.01), log.beat(), log.begin_epoch(None, 1), log.trim(9e9)]
        for call in calls:
            with pytest.raises(LogUnavailable):
                await call
        await log.close()

    asyncio.run(main())


def test_a_server_that_does_not_answer_is_unavailable_and_right_again_afterwards() -> None:
    async def main() -> None:
        with valkey() as url:
            log = RedisLog(url, timeout=0.1)
            await begun(log)
            await log.append(["user:1"])
            raw(url, "CLIENT", "PAUSE", "400", "ALL")
            for call in (log.beat(), log.append(["late"]), log.read("0-0", 1, 0.01)):
                with pytest.raises(LogUnavailable):
                    await call
            beat = await _eventually_beats(log)
            assert beat.added >= 2
            assert (await log.read("0-0", 2, 0.01)).records[1].tags == ("user:1",)
            await log.close()

    asyncio.run(main())


async def _eventually_beats(log: Log) -> Beat:
    async with asyncio.timeout(10):
        while True:
            try:
                return await log.beat()
            except LogUnavailable:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("policy", ["noeviction", "volatile-ttl"])
@pytest.mark.parametrize("kind", KINDS)
def test_r25_a_full_server_still_proves_and_acknowledges_nothing(kind: str, policy: str) -> None:
    async def steps(log: Log) -> None:
        position = await log.append(["user:1"])
        raw(url, "CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(LogUnavailable, match="append"):
            await log.append(["user:2"])
        beat = await log.beat()
        assert (beat.last_id, beat.added) == (stream_id_of(position), 3)
        assert (await log.read("0-0", 10, 0.01)).records[-1].tags == ("user:1",)
        await log.trim(beat.time + 60)
        assert (await log.beat()).trimmed == 2
        raw(url, "CONFIG", "SET", "maxmemory", "0")
        assert await log.append(["user:2"]) > position

    with valkey("--maxmemory-policy", policy, kind=kind) as url:
        with_log(_only(url), steps)


def _only(url: str) -> World:
    """A world in which nothing is done from outside but by raw commands."""

    class Only(LocalWorld):
        def log(self) -> Log:
            return RedisLog(url)

    return Only()
