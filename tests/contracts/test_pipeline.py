"""The pipeline: how many round trips there are, and who learns what of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import fakeredis
import pytest
import redis

from aggregator.tiers.link import Link
from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.scripts import Script
from aggregator.tiers.server import Server
from aggregator.tiers.tier import TierUnavailable
from tests.links import CountedLink, FakeRedisLink
from tests.servers import KINDS, unlimited

ECHO = Script("return ARGV[1]")
BROKEN = Script("return redis.error_reply('ERR on purpose')")
PATIENCE = 10.0


def as_it_is(reply: Any) -> Any:
    """What a waiter is given: the reply."""
    return reply


Steps = Callable[[Pipeline, CountedLink], Awaitable[None]]


@pytest.fixture(params=["fakeredis", *KINDS])
def play(request: pytest.FixtureRequest, url_of: Callable[[str], str | None]) -> Iterator[Callable[..., None]]:
    """Run steps on a pipeline to each kind of server; keys k0, k1, … hold 0, 1, …"""
    server = fakeredis.FakeServer()
    url = url_of(request.param)
    behind = redis.Redis.from_url(url) if url else fakeredis.FakeRedis(server=server)
    behind.mset({f"k{number}": number for number in range(1_000)})
    behind.script_flush()

    def play_it(steps: Steps, **settings: Any) -> None:
        async def main() -> None:
            counted = CountedLink(
                Link(Server.of(unlimited(url))) if url else FakeRedisLink(fakeredis.FakeAsyncRedis(server=server))
            )
            pipeline = Pipeline(counted, budget=PATIENCE, **settings)
            try:
                await steps(pipeline, counted)
            finally:
                await pipeline.close()

        asyncio.run(main())

    yield play_it
    behind.close()


def test_what_nobody_waits_for_goes_with_the_next_round_trip(play: Callable[..., None]):
    """Behind nothing that an answer waits for: it takes no trip of its own where one leaves in time."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        later = [pipeline.run_soon(ECHO, ["k0"], [b"a"], as_it_is), pipeline.run_soon(ECHO, ["k0"], [b"b"], as_it_is)]
        assert await pipeline.get(["k1"], as_it_is) == [b"1"]
        assert await asyncio.gather(*later) == [b"a", b"b"]
        assert link.trips[0] == ["MGET", "EVALSHA", "EVALSHA"]

    play(steps)


def test_what_nobody_waits_for_goes_alone_where_nothing_else_does(play: Callable[..., None]):
    """It is not forgotten."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        assert (
            await asyncio.gather(*(pipeline.run_soon(ECHO, ["k0"], [b"a"], as_it_is) for _ in range(3))) == [b"a"] * 3
        )
        assert link.trips[0] == ["EVALSHA"] * 3

    play(steps)


def test_the_reads_of_one_tick_are_one_round_trip(play: Callable[..., None]):
    """A hundred tasks that read in the same tick cost one MGET; each gets its own values."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        async def reader(number: int) -> list[bytes | None]:
            return await pipeline.get([f"k{number}", "missing", f"k{number + 1}"], as_it_is)

        values = await asyncio.gather(*(reader(number) for number in range(100)))
        assert values == [[b"%d" % number, None, b"%d" % (number + 1)] for number in range(100)]
        assert link.trips == [["MGET"]]

    play(steps)


def test_the_server_sees_one_command(clean_redis_url: str):
    """By its own statistics: one MGET, no GET."""

    async def main() -> None:
        pipeline = Pipeline(Link(Server.of(unlimited(clean_redis_url))), PATIENCE)
        await asyncio.gather(*(pipeline.get([f"k{number}"], as_it_is) for number in range(50)))
        await pipeline.close()

    with redis.Redis.from_url(clean_redis_url) as behind:
        behind.config_resetstat()
        asyncio.run(main())
        statistics = behind.info("commandstats")
    assert statistics["cmdstat_mget"]["calls"] == 1
    assert "cmdstat_get" not in statistics


def test_a_later_tick_is_another_round_trip(play: Callable[..., None]):
    """What is asked after an answer goes out by itself."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        await pipeline.get(["k1"], as_it_is)
        await pipeline.get(["k2"], as_it_is)
        assert link.trips == [["MGET"], ["MGET"]]

    play(steps)


def test_scripts_ride_along(play: Callable[..., None]):
    """Reads and scripts of one tick share the round trip."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        await pipeline.run(ECHO, ["k1"], [b"known now"], as_it_is)
        link.trips.clear()
        got = await asyncio.gather(
            pipeline.run(ECHO, ["k1"], [b"a"], as_it_is), pipeline.get(["k7"], as_it_is), pipeline.get(["k8"], as_it_is)
        )
        assert got == [b"a", [b"7"], [b"8"]]
        assert link.trips == [["MGET", "EVALSHA"]]

    play(steps)


def test_an_unknown_script_is_sent_in_full_once(play: Callable[..., None]):
    """A server that was restarted or flushed does not know it; then it does."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        assert await pipeline.run(ECHO, ["k1"], [b"a"], as_it_is) == b"a"
        assert await pipeline.run(ECHO, ["k1"], [b"b"], as_it_is) == b"b"
        assert link.trips == [["EVALSHA"], ["EVAL"], ["EVALSHA"]]

    play(steps)


def test_an_error_is_its_own_commands_alone(play: Callable[..., None]):
    """The others of the round trip get their answers."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        good, bad, read = await asyncio.gather(
            pipeline.run(ECHO, ["k1"], [b"a"], as_it_is),
            pipeline.run(BROKEN, ["k1"], [], as_it_is),
            pipeline.get(["k1"], as_it_is),
            return_exceptions=True,
        )
        assert (good, read) == (b"a", [b"1"])
        assert isinstance(bad, TierUnavailable)
        assert "on purpose" in str(bad)

    play(steps)


def test_a_round_trip_has_a_largest_size(play: Callable[..., None]):
    """More keys than the cap go in several."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        values = await asyncio.gather(*(pipeline.get([f"k{number}"], as_it_is) for number in range(1_000)))
        assert values == [[b"%d" % number] for number in range(1_000)]
        assert len(link.trips) == 10

    play(steps, cap=100)


def test_a_single_read_larger_than_the_cap_goes_alone(play: Callable[..., None]):
    """It is not split, and not stuck."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        assert len(await pipeline.get([f"k{number}" for number in range(20)], as_it_is)) == 20

    play(steps, cap=10)


def test_a_cancelled_waiter_disturbs_nobody(play: Callable[..., None]):
    """Its neighbours in the round trip get their answers, before and while it is under way."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        early, late, stays = (pipeline.get([f"k{number}"], as_it_is) for number in range(3))
        early.cancel()
        await link.sent.wait()
        late.cancel()
        assert await stays == [b"2"]
        assert early.cancelled()
        assert late.cancelled()

    play(steps)


def test_what_nobody_waits_for_lets_others_go_first(play: Callable[..., None]):
    """It goes with what is asked for a tick or two later, in one round trip, behind it."""

    async def steps(pipeline: Pipeline, link: CountedLink) -> None:
        later = pipeline.run_soon(ECHO, ["k0"], [b"a"], as_it_is)
        await asyncio.sleep(0)
        assert await asyncio.gather(pipeline.get(["k1"], as_it_is), later) == [[b"1"], b"a"]
        assert link.trips == [["MGET", "EVALSHA"], ["EVAL"]]

    play(steps)
