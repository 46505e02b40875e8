"""Early refresh: each reader may find an entry due a little before its end, so that one of many loads it in time."""

import math
from dataclasses import dataclass

from cache_policies.policy import Lifetime, Moments, Origin, Policy, Timing


@dataclass(frozen=True, slots=True)
class Early:
    """XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015).

    An entry is due cost * beta * -ln(draw) seconds before its end: sooner where loading is slow.
    beta: 1 is the paper's optimum, more is earlier, 0 is never; ValueError below 0.
    """

    inner: Policy
    beta: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.beta < math.inf:
            raise ValueError(f"beta is {self.beta}; it is a finite number from 0 up")

    def grant(self, origin: Origin, draw: float) -> Lifetime:
        """The inner lifetime: what is early is the reading."""
        return self.inner.grant(origin, draw)

    def moments(self, timing: Timing, draw: float) -> Moments:
        """The inner moments with an earlier end of FRESH, never before the load itself.

        The other ends stay, so that from the early instant to the true one the verdict is REVALIDATE,
        also where nothing was granted as stale-while-revalidate.
        """
        plain = self.inner.moments(timing, draw)
        due = plain.fresh_until + timing.cost * self.beta * math.log(draw)
        return plain._replace(fresh_until=min(plain.fresh_until, max(due, timing.at)))
