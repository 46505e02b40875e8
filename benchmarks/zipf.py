"""A workload: who looks at the screen when, and which MBU changes what meanwhile; the same for a seed."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import accumulate
from math import inf
from typing import NamedTuple

USERS, SLOTS = 10_000, 8
VIEWS_A_SECOND, CHANGES_A_SECOND = 500.0, 20.0


class Traffic(NamedTuple):
    """views, changes: a second."""

    users: int = USERS
    slots: int = SLOTS
    views: float = VIEWS_A_SECOND
    changes: float = CHANGES_A_SECOND


ORDINARY = Traffic()


class View(NamedTuple):
    """Somebody opens a user's screen, `at` seconds after the beginning."""

    at: float
    user: str


class Change(NamedTuple):
    """An MBU commits a new version of one part of a user's screen."""

    at: float
    user: str
    slot: int


def events(seed: int, seconds: float, traffic: Traffic = ORDINARY) -> list[View | Change]:
    """Views and changes in order of time, each a Poisson process; users drawn by Zipf(1.0), also those of changes."""
    draw = random.Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, traffic.users + 1)))

    def users() -> Iterator[str]:
        while True:
            yield from map(str, draw.choices(range(traffic.users), cum_weights=weights, k=1_000))

    views = [View(at, user) for at, user in zip(_poisson(draw, traffic.views, seconds), users(), strict=False)]
    whens = _poisson(draw, traffic.changes, seconds)
    changes = [Change(at, user, draw.randrange(traffic.slots)) for at, user in zip(whens, users(), strict=False)]
    both: list[list[View | Change]] = [[*views], [*changes]]
    return list(merge(*both, key=lambda event: event.at))


def _poisson(draw: random.Random, rate: float, seconds: float) -> list[float]:
    times, at = [], draw.expovariate(rate) if rate else inf
    while at < seconds:
        times.append(at)
        at += draw.expovariate(rate)
    return times


def target(slot: int, user: str) -> str:
    """The path of a part at its MBU."""
    return f"/m{slot}/{user}"


class Truth:
    """What the MBUs hold: the version of a part is the number of its changes so far."""

    def __init__(self) -> None:
        self._changes: dict[str, list[float]] = defaultdict(list)

    def change(self, target: str, at: float) -> None:
        """A new version, from now on."""
        self._changes[target].append(at)

    def version(self, target: str) -> int:
        """The version that the MBU answers with now."""
        return len(self._changes[target])

    def behind(self, target: str, version: int, asked: float) -> float:
        """For how many seconds `version` had been out of date when somebody asked; 0 if it had not."""
        later = self._changes[target][version : version + 1]
        return max(0.0, asked - later[0]) if later else 0.0


@dataclass
class Score:
    """calls: made to MBUs. stale: answers with a part that was out of date when they were asked for; late: those
    by more than 250 ms; worst: seconds."""

    views: int = 0
    calls: int = 0
    stale: int = 0
    late: int = 0
    worst: float = field(default=0.0)

    def answered(self, behind: float) -> None:
        """One answer, whose worst part had been out of date for so many seconds."""
        self.views += 1
        self.stale += behind > 0
        self.late += behind > 0.25
        self.worst = max(self.worst, behind)
