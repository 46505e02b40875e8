"""A standing is an entry's right to be used now: its verdict, unless it was overtaken or cannot be proved current."""

from enum import Enum

from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.position import ms_of
from aggregator.model.tags import VIEWER
from cache_policies.policy import Verdict, plain_moments

# Without proof, what was loaded this recently is used all the same (seconds).
UNPROVEN_FOR = 2.0
# Seconds by which the fleet's clocks may differ: as much as a heartbeat may take.
_CLOCKS_DIFFER = 1.0


class Standing(Enum):
    """Three different reasons not to be fresh: expired (the last three verdicts), overtaken, unproven."""

    FRESH = "fresh"
    REVALIDATE = "revalidate"
    FALLBACK = "fallback"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"
    UNPROVEN = "unproven"


def standing(entry: Entry, ledger: Ledger, now: float, vouched: bool, ahead: float = 0.0) -> Standing:
    """How `entry` stands at `now` (fleet seconds).

    vouched: this process knows that it is at the head of the log. ahead: seconds by which the entry has to be fresh
    for longer than now, for a refresh that comes before expiry.
    """
    if ledger.overtaken(entry.tags, entry.position):
        return Standing.OVERTAKEN
    recent = -_CLOCKS_DIFFER < now - entry.timing.at < UNPROVEN_FOR
    if entry.position < ledger.floor or not (vouched or recent):
        return Standing.UNPROVEN
    # Stored by a process before it knew the fleet's clock: for how long that is good nobody can tell.
    if entry.timing.at > now + _CLOCKS_DIFFER:
        return Standing.EXPIRED
    moments = plain_moments(entry.timing)
    verdict = moments.judge(now)
    if verdict is Verdict.FRESH and moments.fresh_until <= now + ahead:
        return Standing.REVALIDATE
    return Standing(verdict.value)


def may_fall_back(entry: Entry, ledger: Ledger, now: float) -> bool:
    """May the entry be used because loading failed? For as long as it is fresh or `stale_if_error` allows; if it was
    overtaken, for `overtaken_if_error` from the first time on, and never if its viewer was forgotten."""
    first = ledger.first_overtaken(entry.tags, entry.position)
    until, allowed = plain_moments(entry.timing).fallback_until, entry.timing.lifetime.overtaken_if_error
    if first is None:
        return now < until
    overtaken_at = ms_of(first) / 1000
    # What had been of no use any more when it was overtaken is of none afterwards. Both ways, as the server's clock may
    # have stepped back since: then "not yet so long ago" would hold for as long as the step.
    return overtaken_at < until and abs(now - overtaken_at) < allowed and not forgotten(entry, ledger)


def overtaken_until(entry: Entry, ledger: Ledger, now: float) -> float:
    """The instant (fleet seconds) until which an overtaken entry may be served while it is loaded again behind the
    answer, where its fragment says so: `stale_while_revalidate` from the first invalidation on, and no longer than if
    it had not been overtaken."""
    first = ledger.first_overtaken(entry.tags, entry.position)
    if first is None or entry.position < ledger.floor or forgotten(entry, ledger):
        return float("-inf")
    overtaken_at = ms_of(first) / 1000
    # The server's clock has stepped back since: how long ago that was cannot be known.
    if overtaken_at > now + _CLOCKS_DIFFER:
        return float("-inf")
    allowed = overtaken_at + entry.timing.lifetime.stale_while_revalidate
    return min(allowed, plain_moments(entry.timing).revalidate_until)


def forgotten(entry: Entry, ledger: Ledger) -> bool:
    """Was everything of the entry's viewer invalidated since it was loaded? Then it is not even kept."""
    private = [tag for tag in entry.tags if tag.startswith(VIEWER)]
    return bool(private) and ledger.overtaken(private, entry.position)
