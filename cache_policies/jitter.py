"""Jitter spreads expiry: what was loaded together does not expire together."""

from dataclasses import dataclass

from cache_policies.policy import Lifetime, Moments, Origin, Policy, Timing


@dataclass(frozen=True, slots=True)
class Jittered:
    """Shortens what `inner` grants as fresh by up to `share` of it; never lengthens.

    share: 0 (not at all) to 1 (down to nothing); ValueError outside.
    """

    inner: Policy
    share: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"the share of jitter is {self.share}; it lies between 0 and 1")

    def grant(self, origin: Origin, draw: float) -> Lifetime:
        """The inner lifetime, its `fresh_for` shortened by share * draw of it."""
        fresh_for, *rest = self.inner.grant(origin, draw)
        return Lifetime(fresh_for * (1.0 - self.share * draw), *rest)

    def moments(self, timing: Timing, draw: float) -> Moments:
        """The inner moments: the spreading was done on write."""
        return self.inner.moments(timing, draw)
