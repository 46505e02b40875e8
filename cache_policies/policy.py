"""A policy speaks in verdicts: on write it grants a lifetime, on read it says when each verdict ends."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol


class Verdict(Enum):
    """What an entry that is old enough may still be used for (RFC 9111, RFC 5861)."""

    FRESH = "fresh"  # use it
    REVALIDATE = "revalidate"  # use it, and load it again behind the answer
    FALLBACK = "fallback"  # use it only where loading fails
    EXPIRED = "expired"  # do not use it


class Lifetime(NamedTuple):
    """What was granted on write; seconds. stale_while_revalidate and stale_if_error count from the end of `fresh_for`,
    overtaken_if_error from the first invalidation of what was granted."""

    fresh_for: float
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    overtaken_if_error: float = 0.0

    @property
    def kept_for(self) -> float:
        """Seconds after which no verdict but EXPIRED is left."""
        return self.fresh_for + max(self.stale_while_revalidate, self.stale_if_error) + self.overtaken_if_error


class Timing(NamedTuple):
    """When an entry was loaded (fleet seconds), for how long it is good, and what loading it took (seconds; 0 where
    nothing is to load it before its end)."""

    at: float
    lifetime: Lifetime
    cost: float = 0.0


class Moments(NamedTuple):
    """The ends of the three usable verdicts, as instants on the clock of `Timing.at`."""

    fresh_until: float
    revalidate_until: float
    fallback_until: float

    def judge(self, now: float) -> Verdict:
        """The verdict at `now`."""
        if now < self.fresh_until:
            return Verdict.FRESH
        if now < self.revalidate_until:
            return Verdict.REVALIDATE
        return Verdict.FALLBACK if now < self.fallback_until else Verdict.EXPIRED

    def worst(self, other: "Moments") -> "Moments":
        """The moments of something made of both: the earlier of each."""
        return Moments(*map(min, self, other))


def fresh_until(timing: Timing) -> float:
    """The end of freshness when nothing is refreshed early."""
    return timing.at + timing.lifetime.fresh_for


def plain_moments(timing: Timing) -> Moments:
    """The moments a lifetime means when nothing is refreshed early."""
    end, lifetime = fresh_until(timing), timing.lifetime
    return Moments(end, end + lifetime.stale_while_revalidate, end + lifetime.stale_if_error)


@dataclass(frozen=True, slots=True)
class Origin:
    """What the MBU said of its answer's lifetime; seconds; None where it said nothing (RFC 9111, section 5.2.2)."""

    fresh_for: float | None = None
    stale_while_revalidate: float | None = None
    stale_if_error: float | None = None


SILENT = Origin()


class Policy(Protocol):
    """One way to decide lifetimes; variants wrap an inner one.

    `draw` is uniform in (0, 1] and drawn by the caller, so that a policy stays a pure function.
    """

    def grant(self, origin: Origin, draw: float) -> Lifetime:
        """The lifetime of an answer about which the MBU said `origin`."""

    def moments(self, timing: Timing, draw: float) -> Moments:
        """The instants at which an entry's verdict changes, for one reader."""
