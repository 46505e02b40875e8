"""The contract of the hot list: the highest scores are kept, whoever notes them in whatever order."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from math import inf
from typing import Any

import fakeredis
import pytest
import redis

from aggregator.tiers.hot import KEPT_FOR, HotList, LocalHotList, RedisHotList
from aggregator.tiers.link import Link
from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.server import Server
from aggregator.tiers.tier import TierUnavailable
from tests.links import FakeRedisLink
from tests.servers import KINDS

CAPACITY, PATIENCE = 5, 10.0
Steps = Callable[[HotList], Awaitable[None]]
Play = Callable[[Steps], None]


class Lists:
    """Lists of one kind; those of one namespace are one list. client: looks behind their backs, where there is one."""

    def __init__(self, url: str | None, server: fakeredis.FakeServer | None) -> None:
        self._url, self._server = url, server
        fake = fakeredis.FakeRedis(server=server) if server else None
        self.client: Any = redis.Redis.from_url(url) if url else fake

    def play(self, steps: Steps, namespace: str = "test") -> None:
        """Run steps on a list."""

        async def main() -> None:
            async with AsyncExitStack() as stack:
                await steps(self._open(stack, namespace))

        asyncio.run(main())

    def _open(self, stack: AsyncExitStack, namespace: str) -> HotList:
        if self.client is None:
            return LocalHotList(CAPACITY)
        fake = FakeRedisLink(fakeredis.FakeAsyncRedis(server=self._server)) if self._server else None
        pipeline = Pipeline(fake or Link(Server.of(self._url or "")), PATIENCE)
        stack.push_async_callback(pipeline.close)
        return RedisHotList(pipeline, namespace, CAPACITY)


@pytest.fixture(params=["local", "fakeredis", *KINDS])
def lists(request: pytest.FixtureRequest, url_of: Callable[[str], str | None]) -> Iterator[Lists]:
    """Each kind, empty."""
    url = url_of(request.param)
    opened = Lists(url, fakeredis.FakeServer() if request.param == "fakeredis" else None)
    yield opened
    if opened.client is not None:
        opened.client.close()


def test_the_hottest_come_first_from_any_rank_on(lists: Lists) -> None:
    """Addresses are bytes, whatever is in them."""

    async def steps(hot: HotList) -> None:
        assert await hot.hottest(0, 10) == []
        await hot.note([(b"/a", 1.5), (b" any /b c\xff", 14_700_000.25), (b"/c", -3.0)])
        assert await hot.hottest(0, 10) == [b" any /b c\xff", b"/a", b"/c"]
        assert await hot.hottest(0, 1) == [b" any /b c\xff"]
        assert await hot.hottest(1, 2) == [b"/a", b"/c"]
        assert await hot.hottest(3, 2) == []

    lists.play(steps)


def test_a_score_is_raised_and_never_lowered(lists: Lists) -> None:
    """So that processes may note what they know in any order."""

    async def steps(hot: HotList) -> None:
        await hot.note([(b"/a", 1.0), (b"/b", 2.0)])
        await hot.note([(b"/a", 3.0), (b"/b", 0.0)])
        await hot.note([(b"/c", 2.5)])
        assert await hot.hottest(0, 10) == [b"/a", b"/c", b"/b"]

    lists.play(steps)


def test_the_highest_are_kept(lists: Lists) -> None:
    """And it is told what a score has to exceed to be among them."""

    async def steps(hot: HotList) -> None:
        assert await hot.note([(b"/%d" % n, float(n)) for n in range(CAPACITY - 1)]) == -inf
        assert await hot.note([(b"/9", 9.5)]) == 0.0
        assert await hot.note([(b"/8", 8.0), (b"/7", 7.0), (b"/low", -1.0)]) == 2.0
        assert await hot.hottest(0, 10) == [b"/9", b"/8", b"/7", b"/3", b"/2"]
        assert await hot.note([]) == 2.0

    lists.play(steps)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_is_what_would_be_of_all_together(lists: Lists, seed: int) -> None:
    """Random notes by several; what had once no place has one again where its score is raised."""
    chance = random.Random(seed)

    async def steps(hot: HotList) -> None:
        best: dict[bytes, float] = {}
        for _ in range(30):
            # No two scores are alike: of those, which is kept is nobody's business.
            noted = [(b"/%d" % chance.randrange(20), chance.random()) for _ in range(3)]
            await hot.note(dict(noted).items())  # type: ignore[arg-type]
            for address, score in dict(noted).items():
                best[address] = max(score, best.get(address, -inf))
        assert await hot.hottest(0, 99) == sorted(best, key=lambda one: best[one], reverse=True)[:CAPACITY]

    lists.play(steps)


def test_it_goes_when_nobody_notes_anything_for_long(lists: Lists) -> None:
    """In a server; it has its namespace's name."""

    async def steps(hot: HotList) -> None:
        await hot.note([(b"/a", 1.0)])

    lists.play(steps, "mine")
    if lists.client is not None:
        assert 0 < lists.client.pttl("mine:hot") <= KEPT_FOR * 1000
        assert lists.client.keys() == [b"mine:hot"]


def test_a_list_of_no_room_keeps_nothing() -> None:
    """And asks for nothing."""

    async def steps() -> None:
        hot = LocalHotList(capacity=0)
        assert await hot.note([(b"/a", 1.0)]) == inf
        assert await hot.hottest(0, 10) == []

    asyncio.run(steps())


def test_where_the_server_is_away_it_is_said() -> None:
    """As with everything in L2."""

    async def steps() -> None:
        pipeline = Pipeline(Link(Server.of("redis://127.0.0.1:1")), 0.5)
        hot, local = RedisHotList(pipeline, "test"), LocalHotList()
        local.down = True
        for one in (hot, local):
            with pytest.raises(TierUnavailable):
                await one.note([(b"/a", 1.0)])
            with pytest.raises(TierUnavailable):
                await one.hottest(0, 10)
        await pipeline.close()

    asyncio.run(steps())
