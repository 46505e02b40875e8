"""The fixed policy: what was declared, whatever the MBU says and whoever reads."""

from dataclasses import dataclass

from cache_policies.policy import Lifetime, Moments, Origin, Timing, plain_moments


@dataclass(frozen=True, slots=True)
class Fixed:
    """Grants `lifetime` to every answer; the innermost policy of every composition."""

    lifetime: Lifetime

    def grant(self, origin: Origin, draw: float) -> Lifetime:
        """The declared lifetime."""
        return self.lifetime

    def moments(self, timing: Timing, draw: float) -> Moments:
        """What the granted lifetime says."""
        return plain_moments(timing)
