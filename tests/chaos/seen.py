"""What was seen of a run, of which the judge makes up its mind: faults, lags, and what readers were answered."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

BOUND = 0.25  # seconds after its acknowledgement, from which an invalidation is seen
FOR_EVER = 10.0


class Window(NamedTuple):
    """Monotonic seconds, and what was the matter. workers: whose reads it excuses; None: all."""

    begun: float
    ended: float
    what: str = ""
    workers: frozenset[int] | None = None


class Late(NamedTuple):
    """A value that was older than what had been acknowledged when it was asked for.

    begun, ended: when it was asked for and had. missed: when the first invalidation that it missed was acknowledged.
    marked: the answer says so.
    """

    worker: int
    begun: float
    missed: float
    ended: float
    marked: bool
    words: str


@dataclass
class Seen:
    """What readers saw. begun: by worker, when each value was asked for. lost: when an answer could not be had, and
    how; excused: as its own worker was stopped or dead. went_back: older than what that worker gave before. defects:
    answers and tracebacks that say so."""

    begun: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    late: list[Late] = field(default_factory=list)
    asked: int = 0
    lost: list[str] = field(default_factory=list)
    excused: int = 0
    went_back: list[str] = field(default_factory=list)
    for_ever: list[str] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
