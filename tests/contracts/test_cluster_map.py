"""L2 on a Cluster, of nodes that say what a test has them say: what it asks them, and whom it believes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from redis.crc import key_slot

from aggregator.tiers.cluster import Cluster
from aggregator.tiers.server import Server
from aggregator.tiers.tier import TierUnavailable
from tests.scripted_node import ScriptedNode, slots_of

ALL = (0, 16_383)
VALUE, DOWN = b"*1\r\n$1\r\n1\r\n", b"-CLUSTERDOWN Hash slot not served\r\n"
Steps = Callable[[Cluster], Awaitable[None]]


def play(steps: Steps, *nodes: ScriptedNode) -> None:
    """Run steps on a Cluster of these nodes, for 20 s at most."""

    async def main() -> None:
        async with AsyncExitStack() as stack, asyncio.timeout(20):
            for node in nodes:
                await stack.enter_async_context(node.listening())
            cluster = Cluster([Server("127.0.0.1", node.port) for node in nodes], budget=5.0)
            await steps(cluster)
            await cluster.close()

    asyncio.run(main())


async def finds(cluster: Cluster, key: str = "x") -> None:
    """It is read in the end."""
    while True:
        try:
            assert await read(cluster, key) == b"1"
            return
        except TierUnavailable:
            continue


async def read(cluster: Cluster, key: str = "x") -> bytes | None:
    """The value of one key."""
    [value] = await cluster.get([key], lambda values: values)
    return value


class Talking(ScriptedNode):
    """slots: its reply to CLUSTER SLOTS; None: it says nothing. moved_to: the port of who has what it is asked for."""

    slots: bytes | None = slots_of()
    moved_to: int | None = None

    def reply(self, call: list[bytes]) -> bytes | None:
        if call[0] == b"CLUSTER":
            return self.slots
        if self.moved_to:
            return b"-MOVED %d 127.0.0.1:%d\r\n" % (key_slot(call[1]), self.moved_to)
        return self.says


def test_r44_closing_connects_nowhere() -> None:
    """What is given up by it is no node that was lost."""
    silent, other = ScriptedNode(), ScriptedNode()

    async def steps(cluster: Cluster) -> None:
        asked = asyncio.Event()
        silent.when_asked = asked.set
        reading = asyncio.ensure_future(read(cluster))
        await asked.wait()
        await cluster.close()
        with pytest.raises(TierUnavailable, match="closed"):
            await reading
        with pytest.raises(TierUnavailable, match="closed"):
            await read(cluster)
        for _ in range(100):  # more than it takes on loopback to have accepted a connection
            await asyncio.sleep(0)
        assert (silent.connections, other.connections) == (1, 0)

    play(steps, silent, other)


def test_r44_closing_ends_what_is_being_asked_for() -> None:
    """Before it returns: a task that is pending when the loop ends is a warning."""
    first, other = Talking(), Talking(VALUE)
    other.slots = None

    async def steps(cluster: Cluster) -> None:
        first.moved_to = other.port
        await finds(cluster)
        asking = cluster._learning
        assert asking
        assert not asking.done()
        await cluster.close()
        assert asking.done()

    play(steps, first, other)


@pytest.mark.parametrize("known", [False, True])
def test_r44_a_node_that_says_clusterdown_is_left_for_one_that_knows(known: bool) -> None:
    """Whether it was the first that was ever asked, or had all slots until it forgot them; the one asked next knows
    nothing either."""
    forgets, knows_nothing, owner = Talking(DOWN), Talking(DOWN), Talking(VALUE)
    knows_nothing.slots = forgets.slots = slots_of()

    async def steps(cluster: Cluster) -> None:
        owner.slots = slots_of((*ALL, owner.port))
        if known:
            forgets.says = VALUE
            await finds(cluster)
            forgets.says = DOWN
        await finds(cluster)
        assert cluster.slots.owners() == {("127.0.0.1", owner.port)}

    play(steps, forgets, knows_nothing, owner)


def test_r44_the_whole_map_is_learnt_of_the_node_that_moved_names() -> None:
    """As after a fail-over that an operator asked for: not one slot after another, however often it happens."""
    first, second = Talking(VALUE), Talking(VALUE)
    keys = [str(number) for number in range(50)]

    async def steps(cluster: Cluster) -> None:
        for old, new in [(first, second), (second, first), (first, second)]:
            old.moved_to, new.moved_to = new.port, None
            old.slots, new.slots = slots_of((*ALL, old.port)), slots_of((*ALL, new.port))
            await finds(cluster)
            while cluster.slots.owners() != {("127.0.0.1", new.port)}:
                await finds(cluster)
            old.asked.clear()
            for key in keys:
                await finds(cluster, key)
            assert not old.asked

    play(steps, first, second)
