"""The origin's cap: an MBU may shorten what was declared for its answer, and never lengthen it."""

from dataclasses import dataclass

from cache_policies.policy import SILENT, Lifetime, Moments, Origin, Policy, Timing


def _cap(granted: float, said: float | None) -> float:
    return granted if said is None else min(granted, max(said, 0.0))


@dataclass(frozen=True, slots=True)
class OriginCapped:
    """Caps each of the durations that `inner` grants by what the MBU said of it (RFC 9111, 5.2.2; RFC 5861); what was
    overtaken is used on error no longer than what is stale."""

    inner: Policy

    def grant(self, origin: Origin, draw: float) -> Lifetime:
        """The inner lifetime, each duration the lesser of granted and said; where nothing was said, as granted."""
        granted = self.inner.grant(origin, draw)
        if origin is SILENT:
            return granted
        return Lifetime(
            _cap(granted.fresh_for, origin.fresh_for),
            _cap(granted.stale_while_revalidate, origin.stale_while_revalidate),
            _cap(granted.stale_if_error, origin.stale_if_error),
            _cap(granted.overtaken_if_error, origin.stale_if_error),
        )

    def moments(self, timing: Timing, draw: float) -> Moments:
        """The inner moments: the cap was applied on write."""
        return self.inner.moments(timing, draw)
