"""A margin: what is read within so many seconds of its end is due to be loaded again."""

import math
from dataclasses import dataclass

from cache_policies.policy import Lifetime, Moments, Origin, Policy, Timing


@dataclass(frozen=True, slots=True)
class Margin:
    """seconds: before the end of freshness, whatever loading costs, if it costs anything; at most half of what was
    granted, so that nothing is due as soon as it is there. ValueError below 0."""

    inner: Policy
    seconds: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.seconds < math.inf:
            raise ValueError(f"the margin is {self.seconds} s; it is a finite number from 0 up")

    def grant(self, origin: Origin, draw: float) -> Lifetime:
        """The inner lifetime: what is early is the reading."""
        return self.inner.grant(origin, draw)

    def moments(self, timing: Timing, draw: float) -> Moments:
        """The inner moments, FRESH ending no later than the margin before the true end; the other ends stay."""
        inner = self.inner.moments(timing, draw)
        fresh_for = timing.lifetime.fresh_for
        due = timing.at + fresh_for - (min(self.seconds, fresh_for / 2) if timing.cost else 0.0)
        return inner._replace(fresh_until=min(inner.fresh_until, due))
