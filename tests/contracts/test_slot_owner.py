"""Whoever asks a Cluster's nodes finds the master of the log's slot, if one of them knows it and answers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from aggregator.servers.cluster import SlotOwner
from tests.scripted_node import ScriptedNode, slots_of

ALL = (0, 16_383)
MASTER = ("127.0.0.1", 7)
NOBODY = slots_of()
Find = Callable[[SlotOwner], Awaitable[tuple[str, int]]]


async def on_the_loop(finder: SlotOwner) -> tuple[str, int]:
    return await finder.find()


async def in_a_thread(finder: SlotOwner) -> tuple[str, int]:
    return await asyncio.to_thread(finder.find_blocking)


@pytest.fixture(params=[on_the_loop, in_a_thread], ids=["async", "sync"])
def find(request: pytest.FixtureRequest) -> Find:
    """Both ways to ask."""
    return request.param  # type: ignore[no-any-return]


def play(steps: Callable[[SlotOwner], Awaitable[None]], *nodes: ScriptedNode, within: float = 1.0) -> None:
    """Run steps with the finder of these nodes, for 20 s at most."""

    async def main() -> None:
        async with AsyncExitStack() as stack, asyncio.timeout(20):
            for node in nodes:
                await stack.enter_async_context(node.listening())
            await steps(SlotOwner([f"redis://127.0.0.1:{node.port}" for node in nodes], "log", within))

    asyncio.run(main())


def knows(port: int = MASTER[1]) -> ScriptedNode:
    """A node that says that one on this port has all slots."""
    return ScriptedNode(slots_of((*ALL, port)))


@pytest.mark.parametrize("says", [NOBODY, slots_of((0, 0, 9)), b"-LOADING\r\n", None])
def test_r44_a_node_that_does_not_know_who_has_the_log_is_not_believed(find: Find, says: bytes | None) -> None:
    """It has no slots, or has been forgotten by the others, or hangs; least of all is it taken for the owner."""

    async def steps(finder: SlotOwner) -> None:
        assert await find(finder) == MASTER

    play(steps, ScriptedNode(says), knows())


def test_r44_where_no_node_knows_it_each_is_told_of(find: Find) -> None:
    """With what it said instead."""

    async def steps(finder: SlotOwner) -> None:
        with pytest.raises(ConnectionError, match=r"knows nobody who has the slot of the log.*(no answer|Timeout)"):
            await find(finder)

    play(steps, ScriptedNode(NOBODY), ScriptedNode(None), within=0.2)


def test_r44_who_is_not_the_owner_is_looked_for_at_another_node(find: Find) -> None:
    """1. A node is cut off from the others. 2. It names one that is dead, or that says CLUSTERDOWN. 3. Asked first each
    time, it would name that one for good."""

    async def steps(finder: SlotOwner) -> None:
        assert await find(finder) == ("127.0.0.1", 1)
        assert await find(finder) == MASTER, "nobody listens on port 1"
        finder.last = None  # as a connection has it that was refused
        assert {await find(finder) for _ in range(2)} >= {MASTER}

    play(steps, knows(1), knows())


def test_r44_the_owner_that_was_found_says_itself_that_it_is_still_the_one(find: Find) -> None:
    """Nodes that differ do not have everybody connect anew, now here, now there."""
    stale, owner = knows(1), ScriptedNode()

    async def steps(finder: SlotOwner) -> None:
        owner.says = slots_of((*ALL, owner.port))
        finder.last = ("127.0.0.1", owner.port)
        assert {await find(finder) for _ in range(4)} == {finder.last}
        assert not stale.asked

    play(steps, stale, owner)


def test_r44_all_asking_is_over_in_the_time_there_is() -> None:
    """Where nobody answers."""

    async def steps(finder: SlotOwner) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionError, match=r"no answer within 0\.4 s"):
            await finder.find()
        assert asyncio.get_running_loop().time() - began < 1.2

    play(steps, *[ScriptedNode() for _ in range(3)], within=0.4)


def test_r44_a_node_that_is_slow_is_not_given_up_for_the_next() -> None:
    """Which hangs, and has been asked by then."""
    slow, hangs = ScriptedNode(), ScriptedNode()

    async def steps(finder: SlotOwner) -> None:
        hangs.when_asked = lambda: slow.say(slots_of((*ALL, MASTER[1])))
        assert await finder.find() == MASTER

    play(steps, slow, hangs, within=5.0)
