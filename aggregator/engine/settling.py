"""Settling: what an MBU may have read from a replica that lagged behind an invalidation is loaded once more."""

from msgspec.structs import replace

from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN, seconds_of
from cache_policies.policy import Timing

# Seconds: positions are no finer, and a load that comes by less too soon would cost another one.
_FINEST = 0.001


def until_settled(entry: Entry, ledger: Ledger, settle: float, serve_then: bool) -> Entry:
    """The entry, which ends `settle` seconds after the last invalidation of its tags if it was loaded before that.

    serve_then: may it be served after that, as long as any that is stale, while it is loaded again behind the answer?
    It is whole again only when it is loaded anew: without a cost, so that nothing refreshes it sooner, when the answer
    could be the old one still; and without validators, so that no 304 renews what was granted for so short a time.
    """
    last = max(ledger.latest(entry.tags) or ORIGIN, ledger.floor)
    at, lifetime, _ = entry.timing
    fresh_for = seconds_of(last) + settle - at
    if not _FINEST < fresh_for < lifetime.fresh_for:
        return entry
    stale = lifetime.stale_while_revalidate if serve_then else 0.0
    timing = Timing(at, lifetime._replace(fresh_for=fresh_for, stale_while_revalidate=stale), cost=0.0)
    return replace(entry, timing=timing, etag=None, last_modified=None)
