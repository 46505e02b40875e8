"""A fleet under random orders of writes, reads, outages, losses and clock steps: no answer is older than it may be.

I1: an answer begun after an invalidation was applied in its process never holds what that overtook.
I2: an answer that is not marked unproven holds everything acknowledged more than 2 s (and a beat) before it began.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from aggregator.engine.answer import Answer
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position, position_of
from aggregator.model.screen import Slot
from cache_policies.policy import Lifetime
from loaders.loader import Failed, Reason
from tests.scale import scale
from tests.virtual_time import VirtualLoop
from tests.world import World, fragment, learning, screen

KEPT = Lifetime(20.0, stale_while_revalidate=10.0, stale_if_error=60.0)
HOME = screen(
    Slot("user", fragment("user", lifetime=KEPT), required=True),
    Slot("posts", learning("posts")),
)
USERS = ("1", "2")
PROOF_AND_BEAT = 2.6
NEVER = position_of(2**63, 0, 0)
LAW = settings(
    max_examples=scale(150, 5_000),
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)

users = st.sampled_from(USERS)
processes = st.integers(0, 1)
mbus = st.sampled_from(["user", "posts"])
shortly = st.sampled_from([0.0, 0.001, 0.03, 0.15])
# One rule of them all, so that most that happens is read and written.
TROUBLE = st.one_of(
    st.tuples(st.just("slow"), mbus, st.sampled_from([0.0, 0.05, 0.3])),
    st.tuples(st.just("fail"), mbus, st.booleans()),
    st.tuples(st.just("log"), st.booleans()),
    st.tuples(st.just("l2"), st.booleans()),
    st.tuples(st.just("flush")),
    st.tuples(st.just("lose")),
    st.tuples(st.just("step"), processes, st.sampled_from([-86_400.0, -30.0, 30.0, 86_400.0])),
)


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


class Fleet(RuleBasedStateMachine):
    """Two processes over one log and one L2, in virtual time, which passes by a rule of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self.world = World(HOME, processes=2)
        self._reading: set[asyncio.Task[None]] = set()
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._run(self._begin())

    @rule(user=users, tag=st.sampled_from(["user:{}", "learned:{}"]), soon=shortly)
    def write(self, user: str, tag: str, soon: float) -> None:
        """Commit, then invalidate."""
        self._run(write(self.world, self.history, user, tag))
        self.passes(soon)

    @rule(user=users, number=processes, soon=shortly)
    def read(self, user: str, number: int, soon: float) -> None:
        """It may last while other things happen."""
        self._reading.add(self._runner.get_loop().create_task(read(self.world, self.history, user, number)))
        self.passes(soon)

    @rule(seconds=st.sampled_from([0.4, 3.0, 25.0]))
    def passes(self, seconds: float) -> None:
        """Time."""
        self._run(asyncio.sleep(seconds))

    @rule(what=TROUBLE)
    def trouble(self, what: tuple[Any, ...]) -> None:
        """Something fails or is lost, or what failed is there again."""
        match what:
            case ("slow", mbu, seconds):
                self.world.shops[mbu].latency = seconds
            case ("fail", mbu, failing):
                self.world.shops[mbu].failure = Failed(Reason.STATUS, "answered 500") if failing else None
            case ("log", down):
                self.world.log.down = down
            case ("l2", down):
                self.world.tier.down = down
            case ("flush",):
                self._flush()
            case ("lose",):
                self.world.log.lose_next = 1
            case ("step", number, seconds):
                # A process has the time wrong until a heartbeat tells it.
                self.world.processes[number].clock.offset += seconds

    @invariant()
    def no_answer_was_too_old(self) -> None:
        """As far as there are answers."""
        ended = {task for task in self._reading if task.done()}
        self._reading -= ended
        for task in ended:
            task.result()

    def teardown(self) -> None:
        """Everything is back, and the fleet is right again."""
        with self._runner:
            self._run(self._end())

    def _flush(self) -> None:
        """The log is lost. What some process had not applied yet is lost unread: a gap, and never applied there."""
        applied = min(process.service.ledger.head for process in self.world.processes)
        acknowledged = self.history.acknowledged
        self.history.acknowledged = [(at if at <= applied else NEVER, *rest) for at, *rest in acknowledged]
        self.world.log.flush()

    async def _begin(self) -> None:
        await self.world.__aenter__()
        for user in USERS:
            self.world.put("user", {"id": user, "v": 0}, id=user)
            self.world.put("posts", [{"id": user, "v": 0}], id=user)

    async def _end(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self.world)
            await asyncio.gather(*self._reading)
            self.world.log.down = self.world.tier.down = False
            for shop in self.world.shops.values():
                shop.failure = None
            await asyncio.sleep(4.0)
            before = self.history.reads
            await asyncio.gather(*(read(self.world, self.history, user, number) for user in USERS for number in (0, 1)))
            assert self.history.reads == before + 4

    def _run(self, what: Coroutine[Any, Any, None]) -> None:
        self._runner.run(what)


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_r04_r09_r10_no_answer_is_older_than_it_may_be() -> None:
    """Whatever the order, every answer keeps I1 and I2, and at the end the fleet is right again."""
    run_state_machine_as_test(Fleet, settings=LAW)


def test_what_was_overtaken_stays_so_when_the_log_is_lost() -> None:
    """An invalidation is applied, and the log that it was in is lost, before an MBU fails."""
    fleet = Fleet()
    fleet.read("1", 0, 0.03)
    fleet.write("1", "user:{}", 0.4)
    fleet.trouble(("flush",))
    fleet.read("1", 0, 0.0)
    fleet.trouble(("slow", "user", 0.3))
    fleet.trouble(("fail", "user", True))
    fleet.teardown()


def test_r10_what_was_overtaken_stays_so_when_the_clock_steps_back() -> None:
    """An MBU fails after an invalidation that lies in the future now: what it overtook does not stand in."""
    fleet = Fleet()
    fleet.read("1", 0, 0.15)
    fleet.trouble(("fail", "user", True))
    fleet.trouble(("step", 0, -86_400.0))
    fleet.write("1", "user:{}", 0.0)
    fleet.read("1", 0, 0.15)
    fleet.teardown()
