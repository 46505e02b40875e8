"""The schedule has seeded faults one by one, with calm between them, and notes when each was."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from tests.chaos import faults
from tests.chaos.faults import Fault
from tests.chaos.seen import Window
from tests.chaos.stage import Stage, clock_can_step

Schedule = Callable[[Stage, random.Random, float], Awaitable[None]]
CALM = (1.5, 3.0)  # seconds between two
# By which the test is named: every run has them, before any other.
ALWAYS: tuple[Fault, ...] = (faults.worker_killed, faults.stopped, faults.network)
FAULTS: tuple[Fault, ...] = (
    *ALWAYS,
    faults.network,
    faults.killed_and_empty,
    faults.old_snapshot,
    faults.flushed,
    faults.full,
    faults.slow,
    faults.busy,
    faults.demoted,
    faults.cut,
    faults.worker_stopped,
    faults.terminated,
    faults.mbus_ill,
    faults.mbus_ill,
    *([faults.clock_stepped] if clock_can_step() else []),
)


async def scheduled(stage: Stage, draw: random.Random, seconds: float) -> None:
    """ALWAYS in a random order, then all, again and again while there is time."""
    end = time.monotonic() + seconds
    left = [*draw.sample(FAULTS, len(FAULTS)), *draw.sample(ALWAYS, len(ALWAYS))]
    while time.monotonic() < end:
        await had(stage, left.pop(), draw)
        left = left or draw.sample(FAULTS, len(FAULTS))


async def had(stage: Stage, fault: Fault, draw: random.Random) -> None:
    """Have a fault after some calm, and note it."""
    await asyncio.sleep(draw.uniform(*CALM))
    begun = time.monotonic()
    print(f"  {fault.__name__}", end="", flush=True)
    workers = await fault(stage, draw)
    stage.faults.append(Window(begun, time.monotonic(), fault.__name__, frozenset(workers)))
    print(f" {time.monotonic() - begun:.1f} s", flush=True)
