"""The pipeline to a server that takes its time (virtual time, but for a real one that hangs): who waits how long."""

import asyncio
from typing import Any

import pytest
import redis
from hiredis import ReplyError

from aggregator.tiers.link import Link
from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.scripts import Script
from aggregator.tiers.server import Server
from aggregator.tiers.tier import TierUnavailable
from tests.links import OddLink, SlowLink
from tests.servers import unlimited
from tests.virtual_time import run


def as_it_is(reply: Any) -> Any:
    """What a waiter is given: the reply."""
    return reply


def slow_pipeline(link: SlowLink, in_flight: int = 4) -> Pipeline:
    """A pipeline with the usual budget to that link."""
    return Pipeline(link, in_flight=in_flight)


def test_nobody_waits_longer_than_the_budget():
    """Whether its round trip is under way or has not begun."""

    async def steps() -> None:
        pipeline, loop = slow_pipeline(SlowLink(60.0), in_flight=1), asyncio.get_running_loop()
        sent = pipeline.get(["sent"], as_it_is)
        await asyncio.sleep(0.01)
        waiting = pipeline.get(["waiting"], as_it_is)
        for future, due in ((sent, 1_000.05), (waiting, 1_000.06)):
            with pytest.raises(TierUnavailable, match="50 ms"):
                await future
            assert loop.time() == pytest.approx(due)
        await pipeline.close()

    run(steps())


def test_what_holds_up_this_process_is_not_counted_against_the_server():
    """The reply was there while the loop was busy with something else for longer than the budget."""

    async def steps() -> None:
        pipeline, loop = slow_pipeline(SlowLink(0.001)), asyncio.get_running_loop()
        read = pipeline.get(["k"], as_it_is)
        await asyncio.sleep(0.0005)
        loop._jumping.now += 0.1  # type: ignore[attr-defined]  # what a busy tick does to the clock
        assert await read == ["k"]
        await pipeline.close()

    run(steps())


def test_a_slow_server_does_not_pile_up_round_trips():
    """Beyond four under way, everything waits and then goes in one."""

    async def steps() -> None:
        link = SlowLink(0.02)
        pipeline = slow_pipeline(link)
        reads = []
        for number in range(10):
            reads.append(pipeline.get([f"k{number}"], as_it_is))
            await asyncio.sleep(0.001)
        assert await asyncio.gather(*reads) == [[f"k{number}"] for number in range(10)]
        assert link.most == 4
        assert link.trips[4:] == [[("MGET", "k4", "k5", "k6", "k7", "k8", "k9")]]
        await pipeline.close()

    run(steps())


def test_what_nobody_waits_for_any_more_is_not_sent():
    """Given up while it waited, it is dropped."""

    async def steps() -> None:
        link = SlowLink(0.2)
        pipeline = slow_pipeline(link, in_flight=1)
        first = pipeline.get(["first"], as_it_is)
        await asyncio.sleep(0.01)
        given_up = pipeline.get(["given up"], as_it_is)
        await asyncio.gather(first, given_up, return_exceptions=True)
        assert not pipeline._waiting
        await asyncio.sleep(0.2)
        assert link.trips == [[("MGET", "first")]]
        await pipeline.close()

    run(steps())


def test_what_was_cancelled_while_it_waited_is_not_sent():
    """Its neighbour in the same tick is."""

    async def steps() -> None:
        link = SlowLink(0.02)
        pipeline = slow_pipeline(link, in_flight=1)
        first = pipeline.get(["first"], as_it_is)
        await asyncio.sleep(0.01)
        leaves, stays = pipeline.get(["leaves"], as_it_is), pipeline.get(["stays"], as_it_is)
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.gather(first, stays)
        assert link.trips == [[("MGET", "first")], [("MGET", "stays")]]
        await pipeline.close()

    run(steps())


def test_a_late_answer_is_read_and_dropped():
    """The round trip goes on without its waiters, and the next one is served."""

    async def steps() -> None:
        link = SlowLink(0.06)
        pipeline = slow_pipeline(link)
        with pytest.raises(TierUnavailable):
            await pipeline.get(["late"], as_it_is)
        link.seconds = 0.0
        assert await pipeline.get(["next"], as_it_is) == ["next"]
        await asyncio.sleep(0.1)
        assert link.under_way == 0
        await pipeline.close()

    run(steps())


def test_closing_releases_every_waiter():
    """Those just asking, those waiting and those under way."""

    async def steps() -> None:
        pipeline = slow_pipeline(SlowLink(60.0), in_flight=1)
        under_way = pipeline.get(["a"], as_it_is)
        await asyncio.sleep(0.001)
        waiting = pipeline.get(["b"], as_it_is)
        await asyncio.sleep(0.001)
        asking = pipeline.get(["c"], as_it_is)
        await pipeline.close()
        for future in (under_way, waiting, asking):
            with pytest.raises(TierUnavailable):
                await future
        assert asyncio.get_running_loop().time() < 1_000.05

    run(steps())


@pytest.mark.parametrize(
    "replies", [[None], [1], [b"v"], [[]], [[b"v", b"w"]], [[b"not a number"]], [ReplyError("no")]]
)
def test_a_reply_that_cannot_be_read_is_none(replies: list[Any]):
    """Its waiter learns it at once, and however often that happens others are served."""

    async def steps() -> None:
        link, loop = OddLink(replies), asyncio.get_running_loop()
        pipeline = Pipeline(link)
        for _ in range(10):
            with pytest.raises(TierUnavailable, match="server"):
                await pipeline.get(["k"], lambda values: [int(value) for value in values])
        assert loop.time() == pytest.approx(1_000.0)
        link.replies = [[b"1"]]
        assert await pipeline.get(["k"], as_it_is) == [b"1"]
        assert not link.raised

    run(steps())


@pytest.mark.parametrize("known", [True, False])
def test_a_script_reply_that_cannot_be_read_is_none(known: bool):
    """Whether the server knew the script or was sent it."""

    async def steps() -> None:
        link = OddLink([])
        pipeline = Pipeline(link)
        for _ in range(10):
            link.turns = [] if known else [[ReplyError("NOSCRIPT No matching script.")]]
            link.replies = [b"not a number"]
            with pytest.raises(TierUnavailable, match="cannot be read"):
                await pipeline.run(Script("return 1"), ["k"], [], int)
        link.replies = [b"1"]
        assert await pipeline.run(Script("return 1"), ["k"], [], int) == 1
        assert not link.raised

    run(steps())


def test_a_trip_ends_whatever_comes_back():
    """Also where a link breaks its promise of a reply for each call, which is a defect."""

    async def steps() -> None:
        link = OddLink([])
        pipeline = Pipeline(link)
        for _ in range(10):
            with pytest.raises(TierUnavailable, match="50 ms"):
                await pipeline.get(["k"], as_it_is)
        assert len(link.raised) == 10
        link.replies = [[b"1"]]
        assert await pipeline.get(["k"], as_it_is) == [b"1"]

    run(steps())


def test_a_server_that_hangs_is_given_up_and_found_again(clean_redis_url: str):
    """It sleeps for longer than the budget; afterwards the same pipeline is answered."""

    async def main() -> None:
        pipeline = Pipeline(Link(Server.of(unlimited(clean_redis_url))), budget=0.02)
        with redis.Redis.from_url(clean_redis_url) as behind:
            behind.client_pause(300, all=True)
        with pytest.raises(TierUnavailable, match="20 ms"):
            await pipeline.get(["k"], as_it_is)
        while True:
            try:
                assert await pipeline.get(["k"], as_it_is) == [None]
                break
            except TierUnavailable:
                continue
        await pipeline.close()

    asyncio.run(asyncio.wait_for(main(), 10.0))
