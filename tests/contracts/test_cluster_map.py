"""L2 on a Cluster, of nodes that say what a test has them say: what it asks them, and whom it believes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from aggregator.tiers.cluster import Cluster
from aggregator.tiers.server import Server
from aggregator.tiers.tier import TierUnavailable
from tests.scripted_node import ScriptedNode

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


async def read(cluster: Cluster, key: str = "x") -> bytes | None:
    """The value of one key."""
    [value] = await cluster.get([key], lambda values: values)
    return value


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
