"""L2 and the log on a Cluster: slots that move, nodes that die, and what that costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from redis.crc import key_slot

from aggregator.invalidation.log import Log, LogUnavailable
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.invalidation.wire import epoch_key, stream_key
from aggregator.model.keys import Key, make_key
from aggregator.model.turn import Pace
from aggregator.publisher.sync_log import SyncLog
from aggregator.tiers.guarded import Guarding
from aggregator.tiers.opened import opened
from aggregator.tiers.redis import RedisTier
from aggregator.tiers.tier import Moving, TierUnavailable
from tests.cluster import MASTERS, Cluster, cluster
from tests.contracts.tier_worlds import PATIENCE, at, entry
from tests.servers import KINDS

KEYS = [make_key("test", "fragment", "user", b"%d" % number) for number in range(60)]


@pytest.fixture(params=KINDS)
def moving(request: pytest.FixtureRequest, cluster_of: Callable[[str], Cluster]) -> Cluster:
    """Each kind of Cluster, empty."""
    return cluster_of(request.param)


@pytest.fixture
def mortal() -> Iterator[Cluster]:
    """One of a test's own, whose first master has a replica."""
    with cluster(replicas=1) as one:
        yield one


def run(url: str, steps: Callable[[Guarding], Awaitable[None]], budget: float = PATIENCE) -> None:
    """Run steps on a tier."""

    async def main() -> None:
        commands, guard = opened(url, budget)
        tier = guard(RedisTier(commands), time.monotonic, on_notice=lambda what, detail: None)
        try:
            await steps(tier)
        finally:
            await tier.close()

    asyncio.run(main())


async def fill(tier: Guarding) -> None:
    """Store an entry of every key."""
    assert all(await asyncio.gather(*[tier.store(key, entry(at(1), key)) for key in KEYS]))


async def move(where: Cluster, slot: int, at_each: Callable[[], Awaitable[None]]) -> None:
    """Move a slot key by key, with these steps whenever one has moved."""
    loop = asyncio.get_running_loop()

    def between() -> None:
        asyncio.run_coroutine_threadsafe(at_each(), loop).result(PATIENCE)

    await asyncio.to_thread(where.move, slot, 1, between)


def slot_of(name: str) -> int:
    """The slot of a key."""
    return key_slot(name.encode())


def test_r44_what_lies_in_a_moving_slot_is_found_all_the_while(moving: Cluster) -> None:
    """Before it moves, where it has moved already, and when the slot is another node's."""

    async def steps(tier: Guarding) -> None:
        await fill(tier)

        async def all_there() -> None:
            assert None not in await tier.read(KEYS)
            assert await tier.take_turn(f"{KEYS[0].name}:refresh", Pace(0.001)) >= 0

        for key in KEYS[:10]:
            await move(moving, slot_of(key.name), all_there)
            await all_there()

    run(moving.url, steps)


def test_r44_what_cannot_be_claimed_while_its_slot_moves_opens_no_breaker(moving: Cluster) -> None:
    """Entry and lease cannot be there both: it is said at once, and for as long as that takes."""

    async def steps(tier: Guarding) -> None:
        await fill(tier)

        async def claimed_in_vain() -> None:
            for _ in range(5):
                with pytest.raises(Moving, match="TRYAGAIN"):
                    await tier.claim(KEYS[0], at(2))
                with pytest.raises(Moving, match="TRYAGAIN"):
                    await tier.store(KEYS[0], entry(at(2)))
            assert tier.available
            assert None not in await tier.read(KEYS)

        await move(moving, slot_of(KEYS[0].name), claimed_in_vain)
        assert (await tier.claim(KEYS[0], at(2))).lease

    run(moving.url, steps)


def test_r44_a_dead_node_costs_what_lies_on_it(mortal: Cluster) -> None:
    """Three failures, and it is left alone, while the others answer; a reading that needs both gets what there is."""

    async def steps(tier: Guarding) -> None:
        await fill(tier)
        dead = mortal.masters[2]
        lost = {key for key in KEYS if mortal.owner(slot_of(key.name)) is dead}
        dead.kill()
        await fails(tier, [*lost][:3])
        failed = tier.failed
        await fails(tier, [*lost])
        assert tier.failed < failed + len(lost), "but for a try now and then nobody asks it"
        assert not tier.available
        found = await tier.read(KEYS)
        assert {key for key, one in zip(KEYS, found, strict=True) if one is None} == lost
        assert (await tier.claim(next(key for key in KEYS if key not in lost), at(2))).lease

    run(mortal.url, steps)


async def fails(tier: Guarding, keys: list[Key]) -> None:
    """None of them can be had."""
    for key in keys:
        with pytest.raises(TierUnavailable):
            await tier.read([key])


def test_r44_what_a_replica_has_is_found_when_it_is_promoted(mortal: Cluster) -> None:
    """Though no node says where the slots of a dead one are: the others are asked."""

    async def steps(tier: Guarding) -> None:
        await fill(tier)
        first = mortal.masters[0]
        theirs = [key for key in KEYS if mortal.owner(slot_of(key.name)) is first]
        first.client.execute_command("WAIT", 1, 5_000)
        first.kill()
        await eventually(lambda: found(tier, theirs))
        assert tier.available

    run(mortal.url, steps)


async def found(tier: Guarding, keys: list[Key]) -> bool:
    """Are all of them there?"""
    try:
        return None not in await tier.read(keys)
    except TierUnavailable:
        return False


def test_r44_the_log_goes_on_where_its_slot_has_moved_to_in_a_new_epoch(moving: Cluster) -> None:
    """Appends wait for the slot, and what was appended is there; proof starts over."""

    async def steps(log: Log) -> None:
        await log.begin_epoch(None, 1)
        before = await log.beat()
        await log.append(["one"])
        appends: list[asyncio.Task[object]] = []
        reading = asyncio.create_task(log.read(before.last_id, 100, 1.0))

        async def append() -> None:
            if not appends:
                await log.beat()  # for as long as none of its keys has moved
            appends.append(asyncio.create_task(log.append([f"tag{len(appends)}"])))
            await asyncio.sleep(0)

        await move(moving, slot_of(stream_key("aggregator")), append)
        assert len(appends) == 3, "before, between and behind the moves of its two keys"
        await asyncio.gather(*appends, reading)
        there = {record.tags for record in (await log.read("0-0", 100, 0.01)).records}
        assert there == {(), ("one",), *((f"tag{number}",) for number in range(3))}
        assert (await log.beat()).epoch is None
        await log.begin_epoch(None, 1)
        assert ((await log.beat()).epoch or 0) > (before.epoch or 0)

    with_log(moving.url, steps)


def test_r44_a_log_that_is_moved_as_a_whole_refuses_nothing(cluster_of: Callable[[str], Cluster]) -> None:
    """By Valkey's own way, which copies the slot and then hands it over."""
    where = cluster_of("valkey")
    slot = slot_of(stream_key("aggregator"))

    async def steps(log: Log) -> None:
        await log.begin_epoch(None, 1)
        source = where.owner(slot)
        target = next(node for node in where.masters if node is not source)
        source.client.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.id)
        appended = 0
        while where.owner(slot) is source:
            await log.append(["one"])
            appended += 1
        await log.append(["after"])
        assert len((await log.read("0-0", 10_000, 0.01)).records) == appended + 2
        assert (await log.beat()).epoch is None

    with_log(where.url, steps)


def test_r44_publishers_without_a_loop_follow_the_log(moving: Cluster) -> None:
    """At the next try, which they make themselves."""
    log = SyncLog(moving.url, "aggregator", 5.0, "memory")
    log.append_all([{"tags": '["a"]'}])
    moving.move(slot_of(stream_key("aggregator")))
    for _ in range(2):
        try:
            log.append_all([{"tags": '["b"]'}])
            break
        except LogUnavailable:
            continue
    else:
        raise AssertionError("it was not found again")
    log.close()


def test_r44_r08_a_promoted_replica_is_another_epoch(mortal: Cluster) -> None:
    """What the dead master had not told it may be lost."""
    namespace = next(name for name in map(str, range(99)) if slot_of(stream_key(name)) < 16384 // MASTERS)

    async def steps(log: Log) -> None:
        await log.begin_epoch(None, 1)
        await log.append(["one"])
        first = mortal.masters[0]
        first.client.execute_command("WAIT", 1, 5_000)
        first.kill()
        await eventually(lambda: beats(log))
        assert (await log.beat()).epoch is None
        assert mortal.nodes[MASTERS].client.exists(epoch_key(namespace))

    with_log(mortal.url, steps, namespace)


async def beats(log: Log) -> bool:
    """Is there a master?"""
    try:
        return bool(await log.beat())
    except LogUnavailable:
        return False


async def eventually(true: Callable[[], Awaitable[bool]]) -> None:
    """Nodes elect a new master in a few seconds."""
    for _ in range(600):
        if await true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("what was waited for did not come about")


def with_log(url: str, steps: Callable[[Log], Awaitable[None]], namespace: str = "aggregator") -> None:
    """Run steps on a log."""

    async def main() -> None:
        log = RedisLog(url, namespace)
        try:
            await steps(log)
        finally:
            await log.close()

    asyncio.run(main())
