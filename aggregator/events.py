"""What happened, as small values; whoever wants to know is an observer."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Served(NamedTuple):
    """A screen was answered. tier: "l1", "l2" or "mbu" (some part was loaded); state: "fresh", "stale",
    "unproven", "overtaken", "incomplete", "absent" or "failed". wanting: the slots that are not as declared, each with
    its state."""

    screen: str
    tier: str
    state: str
    wanting: tuple[tuple[str, str], ...] = ()


class Tally:
    """Counts what is served as declared from L1, where a value and a call for each would cost more than the answer."""

    __slots__ = ("hits",)

    def __init__(self) -> None:
        self.hits = 0


class Called(NamedTuple):
    """An MBU was asked. outcome: "loaded", "absent", "not_modified" or a failure's reason; seconds it took."""

    mbu: str
    fragment: str
    outcome: str
    seconds: float
    detail: str = ""


class Joined(NamedTuple):
    """A load was not made. where: another one was under way in the "process" or the "fleet", or one had just met a
    "failure"."""

    where: str


class TurnedAway(NamedTuple):
    """A caller was not let wait for a load. bound: the setting that was reached, "max_waiters_per_key" or
    "max_waiters"."""

    mbu: str
    fragment: str
    bound: str


class Overtaken(NamedTuple):
    """An invalidation expelled that many views of this process."""

    views: int


class Refreshed(NamedTuple):
    """A view was due to be composed anew with nobody waiting. outcome: "composed", "overtaken" meanwhile, "failed",
    "taken" from L2 as another process had composed it, "left" as that had not, "cold", or "unknown" where a secret
    decides it."""

    screen: str
    outcome: str


class Audited(NamedTuple):
    """A view that had been read was held against what its MBUs say, so many seconds `after`.

    result: "consistent"; "differs", so that it is looked at again, and "inconsistent" at last; "unsteady", "replaced"
    (see `still`); or why nothing was compared: "unkept", "private", "unpromised", "failed" (see `Comparing`),
    "redeclared", "defect", "crowded" as too many are waited for. found: of what is inconsistent, what there is to tell.
    """

    screen: str
    after: int
    result: str
    found: Mapping[str, Any] | None = None


class Trouble(NamedTuple):
    """Something that an operator may want to know of. what: a bounded name; detail: for people."""

    what: str
    detail: str


Event = Served | Called | Joined | TurnedAway | Overtaken | Refreshed | Audited | Trouble
Observer = Callable[[Event], None]
