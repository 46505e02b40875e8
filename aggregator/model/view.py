"""A view is one composed screen: payloads spliced, tags united, times the worst of its parts'."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import blake2b
from typing import Any

import orjson

from aggregator.model.entry import Entry
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from aggregator.model.screen import Screen, Slot
from aggregator.model.tags import union
from cache_policies.policy import Lifetime, Moments, Timing, plain_moments
from loaders.loader import Failed


@dataclass(frozen=True, slots=True)
class Part:
    """What fills one slot: an entry, or the failure in its place.

    stale: the entry is older than its lifetime. unproven: it is not proved current. loaded: an MBU was asked for it
    now. kept: it may be stored.
    """

    slot: Slot
    entry: Entry | None
    failure: Failed | None = None
    stale: bool = False
    unproven: bool = False
    loaded: bool = False
    kept: bool = True


@dataclass(slots=True)
class View:
    """A finished answer, as L1 holds it.

    status: 200, or 404 where a required part is absent. body: JSON text. tags: the union of its parts' and its own.
    position: where it was last proved current; raised when it is proved again.
    timing: the worst of its parts'. until: the ends of its verdicts for this holder, on the fleet's clock.
    at: when its oldest part was loaded, fleet seconds; where it stands in for a failure, since when it does.
    whole: no part failed. stale, unproven: some part is. kept: every part may be stored.
    """

    identity: bytes
    status: int
    body: bytes
    etag: str
    tags: tuple[str, ...]
    position: Position
    timing: Timing
    until: Moments
    at: float
    whole: bool = True
    stale: bool = False
    unproven: bool = False
    kept: bool = True

    @property
    def size(self) -> int:
        """Bytes of its body."""
        return len(self.body)

    @property
    def lead(self) -> float:
        """Seconds by which this holder refreshes it before it expires."""
        return plain_moments(self.timing).fresh_until - self.until.fresh_until

    @property
    def storable(self) -> bool:
        """May it be kept as what the screen is, by everybody?"""
        return self.whole and self.kept and not self.stale and not self.unproven

    def as_entry(self) -> Entry:
        """What L2 keeps of it."""
        return Entry(self.identity, self.body, self.tags, self.timing, self.position, absent=self.status == 404)


def view_from(entry: Entry) -> View:
    """The view that an L2 entry holds."""
    status, body, until = 404 if entry.absent else 200, entry.payload, plain_moments(entry.timing)
    timing = entry.timing
    return View(entry.identity, status, body, etag(body), entry.tags, entry.position, timing, until, timing.at)


def compose(screen: Screen, identity: bytes, parts: Sequence[Part], position: Position, now: float) -> View:
    """The view made of the parts, stamped with `position`; its verdicts are the plain ones of its timing."""
    return _view(200, splice(parts), screen, identity, parts, position, now)


NOT_THERE = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "What this screen shows is not there.",
}


def absent_view(screen: Screen, identity: bytes, parts: Sequence[Part], position: Position, now: float) -> View:
    """The view of a screen whose required part is absent: a problem document (RFC 9457), kept like any other view."""
    return _view(404, orjson.dumps(NOT_THERE), screen, identity, parts, position, now)


def _view(
    status: int, body: bytes, screen: Screen, identity: bytes, parts: Sequence[Part], position: Position, now: float
) -> View:
    timing = worst_timing(parts, now)
    return View(
        identity,
        status,
        body,
        etag(body),
        view_tags(screen, parts),
        position,
        timing,
        plain_moments(timing),
        timing.at,
        whole=all(part.entry for part in parts),
        stale=any(part.stale for part in parts),
        unproven=any(part.unproven for part in parts),
        kept=all(part.kept for part in parts),
    )


def etag(body: bytes) -> str:
    """A strong entity tag (RFC 9110, section 8.8.3), the same wherever the bytes are the same."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def splice(parts: Iterable[Part]) -> bytes:
    """`{"data":{…}}` with every payload byte for byte; `errors` beside it where a part failed."""
    parts = list(parts)
    members = [b'"%b":%b' % (part.slot.name.encode(), part.entry.payload if part.entry else b"null") for part in parts]
    data = b'{"data":{' + b",".join(members) + b"}"
    errors = [_error(part.slot, part.failure) for part in parts if part.failure and not part.entry]
    return data + (b',"errors":' + orjson.dumps(errors) if errors else b"") + b"}"


TITLES = {
    502: "The answer of a part could not be had",
    503: "A part was not asked",
    504: "A part did not answer in time",
}


def _error(slot: Slot, failure: Failed) -> dict[str, Any]:
    """An object of RFC 9457 members, the slot named by an RFC 6901 pointer into `data`."""
    return {
        "pointer": f"/{slot.name}",
        "title": TITLES[failure.status],
        "status": failure.status,
        "detail": f"{slot.fragment.mbu}: {failure.detail}",
    }


NEVER = Moments(float("inf"), float("inf"), float("inf"))


def worst_timing(parts: Sequence[Part], now: float) -> Timing:
    """The timing of a whole: the earliest end of each verdict among its parts, and their greatest cost."""
    entries = [part.entry for part in parts if part.entry]
    if not entries:
        return Timing(now, Lifetime(0.0), 0.0)
    ends = reduce(Moments.worst, (plain_moments(entry.timing) for entry in entries), NEVER)
    at = min((entry.timing.at for entry in entries), default=now)
    fresh = ends.fresh_until - at
    stale = (max(0.0, end - ends.fresh_until) for end in ends[1:])
    return Timing(at, Lifetime(fresh, *stale), max((entry.timing.cost for entry in entries), default=0.0))


def current(parts: Iterable[Part], ledger: Ledger) -> bool:
    """Are all parts that there are proved current at the ledger's head, so that the whole may be stamped with it?"""
    return all(part.entry.is_current(ledger) for part in parts if part.entry)


def view_tags(screen: Screen, parts: Iterable[Part]) -> tuple[str, ...]:
    """The union of the parts' tags and the screen's own."""
    return union([*(part.entry.tags for part in parts if part.entry), screen.own_tags])
