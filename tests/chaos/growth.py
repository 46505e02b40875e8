"""Growth is what a worker takes more and more of: memory of its own, and descriptors."""

import asyncio
import os
import time
from collections.abc import Sequence
from statistics import linear_regression
from typing import NamedTuple

from tests.chaos.judge import Report
from tests.family import anonymous

EVERY = 2.0  # seconds between two samples
WARM_UP = 300.0  # in which each kind of fault comes for the first time: 3 to 5 MB, mostly in the first two minutes
ENOUGH = 600.0  # seconds after it, over which the slope is that of growth and not of what comes and goes
MEMORY, DESCRIPTORS = 1e6, 5.0  # in ten minutes


class Sample(NamedTuple):
    """Monotonic seconds, bytes, and a count."""

    at: float
    memory: int
    descriptors: int


async def watch(pid: int, samples: list[Sample]) -> None:
    """Take samples until cancelled; an OSError if the process ends."""
    while True:
        samples.append(Sample(time.monotonic(), anonymous(pid), len(os.listdir(f"/proc/{pid}/fd"))))
        await asyncio.sleep(EVERY)


def judged_growth(worker: int, samples: Sequence[Sample]) -> Report:
    """How much it grew in ten minutes, by the slope through the samples after WARM_UP. Wrong only where these span
    ENOUGH; nothing is said where there are none."""
    counted = [one for one in samples if one.at >= samples[0].at + WARM_UP]
    if len(counted) < 2:
        return Report()
    span, times = counted[-1].at - counted[0].at, [one.at for one in counted]
    memory = 600 * linear_regression(times, [one.memory for one in counted]).slope
    descriptors = 600 * linear_regression(times, [one.descriptors for one in counted]).slope
    line = (
        f"worker {worker}: {memory / 1e6:+.2f} MB and {descriptors:+.1f} descriptors in ten minutes, by {span:.0f} s; "
        f"at the end {counted[-1].memory / 1e6:.1f} MB and {counted[-1].descriptors}"
    )
    grows = span >= ENOUGH and (memory >= MEMORY or descriptors >= DESCRIPTORS)
    return Report([line], [f"grows: {line}"] if grows else [])
