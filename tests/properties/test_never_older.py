"""A fleet under random orders of writes, reads, outages and losses: no answer is older than it may be.

I1: an answer begun after an invalidation was applied in its process never holds what that overtook.
I2: an answer that is not marked unproven holds everything acknowledged more than 2 s (and a beat) before it began.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aggregator.engine.answer import Answer
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position, position_of
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, learning, screen

KEPT = Lifetime(20.0, stale_while_revalidate=10.0, stale_if_error=60.0)
HOME = screen(
    Slot("user", fragment("user", lifetime=KEPT), required=True),
    Slot("posts", learning("posts")),
)
USERS = ("1", "2")
PROOF_AND_BEAT = 2.6
NEVER = position_of(2**63, 0, 0)

users = st.sampled_from(USERS)
processes = st.integers(0, 1)
steps = st.one_of(
    st.tuples(st.just("write"), users, st.sampled_from(["user:{}", "learned:{}"])),
    st.tuples(st.just("read"), users, processes),
    st.tuples(st.just("read"), users, processes),
    st.tuples(st.just("pass"), st.sampled_from([0.001, 0.03, 0.15, 0.4, 3.0, 25.0])),
    st.tuples(st.just("slow"), st.sampled_from(["user", "posts"]), st.sampled_from([0.0, 0.05, 0.3])),
    st.tuples(st.just("fail"), st.sampled_from(["user", "posts"]), st.booleans()),
    st.tuples(st.just("log"), st.booleans()),
    st.tuples(st.just("l2"), st.booleans()),
    st.tuples(st.just("flush")),
    st.tuples(st.just("lose")),
)


# An invalidation is applied, and the log that it was in is lost, before an MBU fails.
OVERTAKEN_AND_LOST: list[tuple[Any, ...]] = [
    ("read", "1", 0),
    ("pass", 0.03),
    ("write", "1", "user:{}"),
    ("pass", 0.4),
    ("flush",),
    ("read", "1", 0),
    ("slow", "user", 0.3),
    ("fail", "user", True),
]


@dataclass
class History:
    """What was written, and what had been acknowledged when."""

    version: int = 0
    acknowledged: list[tuple[Position, float, str, str, int]] = field(default_factory=list)
    reads: int = 0

    def applied(self, head: Position, user: str, slot: str) -> int:
        """The newest version of a slot whose invalidation lies at or before `head`."""
        return max((v for at, _, u, s, v in self.acknowledged if at <= head and (u, s) == (user, slot)), default=0)

    def settled(self, before: float, user: str, slot: str) -> int:
        """The newest version of a slot that was acknowledged before a time."""
        return max((v for _, at, u, s, v in self.acknowledged if at <= before and (u, s) == (user, slot)), default=0)


async def write(world: World, history: History, user: str, tag: str) -> None:
    """Commit a new version, then publish it."""
    history.version += 1
    slot = "user" if tag.startswith("user") else "posts"
    value: Any = {"id": user, "v": history.version}
    world.put(slot, value if slot == "user" else [value], id=user)
    try:
        lost = world.log.lose_next > 0
        position = await world.log.append([tag.format(user)])
        # No process can apply what is lost; that it is lost must be seen in time (I2).
        history.acknowledged.append((NEVER if lost else position, world.time(), user, slot, history.version))
    except LogUnavailable:
        pass  # refused, so that the publisher knows; nothing is promised


async def read(world: World, history: History, user: str, number: int) -> None:
    """Ask one process, and hold its answer against what was known when it was asked."""
    process, began = world.processes[number], world.time()
    head = process.service.ledger.head
    answer = await process.ask(user)
    if not isinstance(answer, Answer) or answer.view.status != 200:
        return
    history.reads += 1
    data = orjson.loads(answer.view.body)["data"]
    found = {"user": data["user"], "posts": data["posts"][0] if data["posts"] else None}
    for slot, value in found.items():
        if value is None:
            continue
        assert value["v"] >= history.applied(head, user, slot), ("I1", slot, answer.state)
        if not answer.unproven:
            assert value["v"] >= history.settled(began - PROOF_AND_BEAT, user, slot), ("I2", slot, answer.state)


async def step(world: World, history: History, reading: set["asyncio.Task[None]"], one: tuple[Any, ...]) -> None:
    match one:
        case ("write", user, tag):
            await write(world, history, user, tag)
        case ("read", user, number):
            reading.add(asyncio.create_task(read(world, history, user, number)))
        case ("pass", seconds):
            await asyncio.sleep(seconds)
        case ("slow", mbu, seconds):
            world.shops[mbu].latency = seconds
        case ("fail", mbu, failing):
            world.shops[mbu].failure = Failed(Reason.STATUS, "answered 500") if failing else None
        case ("log", down):
            world.log.down = down
        case ("l2", down):
            world.tier.down = down
        case ("flush",):
            # What some process had not applied yet is lost unread: seen as a gap, and never applied there.
            applied = min(process.service.ledger.head for process in world.processes)
            history.acknowledged = [(at if at <= applied else NEVER, *rest) for at, *rest in history.acknowledged]
            world.log.flush()
        case ("lose",):
            world.log.lose_next = 1


async def story(program: list[tuple[Any, ...]]) -> int:
    history, reading = History(), set[asyncio.Task[None]]()
    async with World(HOME, processes=2) as world:
        for user in USERS:
            world.put("user", {"id": user, "v": 0}, id=user)
            world.put("posts", [{"id": user, "v": 0}], id=user)
        for one in program:
            await step(world, history, reading, one)
        await asyncio.gather(*reading)
        world.log.down = world.tier.down = False
        for shop in world.shops.values():
            shop.failure = None
        await asyncio.sleep(4.0)
        await asyncio.gather(*(read(world, history, user, number) for user in USERS for number in (0, 1)))
    return history.reads


@pytest.mark.prove
@settings(
    max_examples=scale(150, 5_000),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(steps, min_size=5, max_size=40))
@example(OVERTAKEN_AND_LOST)
def test_no_answer_is_older_than_it_may_be(program: list[tuple[Any, ...]]) -> None:
    """Whatever the order, every answer keeps I1 and I2, and at the end the fleet is right again."""
    assert run(story(program)) >= 4
