"""The pipeline to a server that takes its time (virtual time, but for a real one that hangs): who waits how long."""

import asyncio
from typing import Any

import pytest
import redis.asyncio

from aggregator.tiers.pipeline import Pipeline
from aggregator.tiers.tier import TierUnavailable
from tests.virtual_time import run


class Slow:
    """A client whose round trips take as long as it is told; every value is its own key."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.trips: list[list[Any]] = []
        self.under_way = 0
        self.most = 0

    def pipeline(self, transaction: bool) -> "_SlowPipe":
        return _SlowPipe(self)

    async def aclose(self) -> None:
        pass


class _SlowPipe:
    def __init__(self, client: Slow) -> None:
        self.client = client
        self.calls: list[Any] = []

    async def __aenter__(self) -> "_SlowPipe":
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    def execute_command(self, *call: Any) -> None:
        self.calls.append(call)

    async def execute(self, raise_on_error: bool) -> list[Any]:
        self.client.trips.append(self.calls)
        self.client.under_way += 1
        self.client.most = max(self.client.most, self.client.under_way)
        await asyncio.sleep(self.client.seconds)
        self.client.under_way -= 1
        return [call[1:] for call in self.calls]


def slow_pipeline(client: Slow, in_flight: int = 4) -> Pipeline:
    """A pipeline with the usual budget to that client."""
    return Pipeline(client, in_flight=in_flight)  # type: ignore[arg-type]


def test_nobody_waits_longer_than_the_budget():
    """Whether its round trip is under way or has not begun."""

    async def steps() -> None:
        pipeline, loop = slow_pipeline(Slow(60.0), in_flight=1), asyncio.get_running_loop()
        sent = pipeline.get(["sent"])
        await asyncio.sleep(0.01)
        waiting = pipeline.get(["waiting"])
        for future, due in ((sent, 1_000.05), (waiting, 1_000.06)):
            with pytest.raises(TierUnavailable, match="50 ms"):
                await future
            assert loop.time() == pytest.approx(due)
        await pipeline.close()

    run(steps())


def test_what_holds_up_this_process_is_not_counted_against_the_server():
    """The reply was there while the loop was busy with something else for longer than the budget."""

    async def steps() -> None:
        pipeline, loop = slow_pipeline(Slow(0.001)), asyncio.get_running_loop()
        read = pipeline.get(["k"])
        await asyncio.sleep(0.0005)
        loop._jumping.now += 0.1  # type: ignore[attr-defined]  # what a busy tick does to the clock
        assert await read == ["k"]
        await pipeline.close()

    run(steps())


def test_a_slow_server_does_not_pile_up_round_trips():
    """Beyond four under way, everything waits and then goes in one."""

    async def steps() -> None:
        client = Slow(0.02)
        pipeline = slow_pipeline(client)
        reads = []
        for number in range(10):
            reads.append(pipeline.get([f"k{number}"]))
            await asyncio.sleep(0.001)
        assert await asyncio.gather(*reads) == [[f"k{number}"] for number in range(10)]
        assert client.most == 4
        assert client.trips[4:] == [[("MGET", "k4", "k5", "k6", "k7", "k8", "k9")]]
        await pipeline.close()

    run(steps())


def test_what_nobody_waits_for_any_more_is_not_sent():
    """Given up while it waited, it is dropped."""

    async def steps() -> None:
        client = Slow(0.2)
        pipeline = slow_pipeline(client, in_flight=1)
        first = pipeline.get(["first"])
        await asyncio.sleep(0.01)
        given_up = pipeline.get(["given up"])
        await asyncio.gather(first, given_up, return_exceptions=True)
        assert not pipeline._waiting
        await asyncio.sleep(0.2)
        assert client.trips == [[("MGET", "first")]]
        await pipeline.close()

    run(steps())


def test_what_was_cancelled_while_it_waited_is_not_sent():
    """Its neighbour in the same tick is."""

    async def steps() -> None:
        client = Slow(0.02)
        pipeline = slow_pipeline(client, in_flight=1)
        first = pipeline.get(["first"])
        await asyncio.sleep(0.01)
        leaves, stays = pipeline.get(["leaves"]), pipeline.get(["stays"])
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.gather(first, stays)
        assert client.trips == [[("MGET", "first")], [("MGET", "stays")]]
        await pipeline.close()

    run(steps())


def test_a_late_answer_is_read_and_dropped():
    """The round trip goes on without its waiters, and the next one is served."""

    async def steps() -> None:
        client = Slow(0.06)
        pipeline = slow_pipeline(client)
        with pytest.raises(TierUnavailable):
            await pipeline.get(["late"])
        client.seconds = 0.0
        assert await pipeline.get(["next"]) == ["next"]
        await asyncio.sleep(0.1)
        assert client.under_way == 0
        await pipeline.close()

    run(steps())


def test_closing_releases_every_waiter():
    """Those just asking, those waiting and those under way."""

    async def steps() -> None:
        pipeline = slow_pipeline(Slow(60.0), in_flight=1)
        under_way = pipeline.get(["a"])
        await asyncio.sleep(0.001)
        waiting = pipeline.get(["b"])
        await asyncio.sleep(0.001)
        asking = pipeline.get(["c"])
        await pipeline.close()
        for future in (under_way, waiting, asking):
            with pytest.raises(TierUnavailable):
                await future
        assert asyncio.get_running_loop().time() < 1_000.05

    run(steps())


def test_a_server_that_hangs_is_given_up_and_found_again(clean_redis_url: str):
    """It sleeps for longer than the budget; afterwards the same pipeline is answered."""

    async def main() -> None:
        client = redis.asyncio.from_url(clean_redis_url)
        pipeline = Pipeline(client, budget=0.02)
        await client.client_pause(300, all=True)
        with pytest.raises(TierUnavailable, match="20 ms"):
            await pipeline.get(["k"])
        while True:
            try:
                assert await pipeline.get(["k"]) == [None]
                break
            except TierUnavailable:
                continue
        await pipeline.close()

    asyncio.run(asyncio.wait_for(main(), 10.0))
