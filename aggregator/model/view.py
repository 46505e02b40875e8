"""A view is one composed screen: payloads spliced, tags united, times the worst of its parts'."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import blake2b
from typing import Any

import orjson

from aggregator.model.entry import Entry, SlotState
from aggregator.model.ledger import Ledger
from aggregator.model.part import BROKEN, Part, State
from aggregator.model.position import Position
from aggregator.model.screen import Screen
from aggregator.model.tags import union
from cache_policies.policy import Lifetime, Moments, Timing, fresh_until, plain_moments
from loaders.loader import Failed, Reason

_NOT_WAITED_FOR = frozenset((Reason.LATE, Reason.CROWDED))


@dataclass(slots=True)
class View:
    """A finished answer.

    status: 200, or 404 where a required part is absent. body: JSON text. digest: what its entity tags are made of, the
    same wherever the body is. tags: the union of its parts' and its own.
    position: where it was last proved current.
    timing: the worst of its parts'. until: the ends of its verdicts for this holder, on the fleet's clock.
    at: when its oldest part was loaded, fleet seconds; where it stands in for a failure, since when it does.
    slots: what there is to tell of each.
    whole: no part failed. stale, unproven: some part is. kept: every part may be stored. late: a part could
    not be waited for, or not any longer, and may be there by now.
    """

    status: int
    body: bytes
    digest: bytes
    tags: tuple[str, ...]
    position: Position
    timing: Timing
    until: Moments
    at: float
    slots: tuple[SlotState, ...] = ()
    whole: bool = True
    stale: bool = False
    unproven: bool = False
    kept: bool = True
    late: bool = False

    @property
    def lead(self) -> float:
        """Seconds by which this holder refreshes it before it expires."""
        return plain_moments(self.timing).fresh_until - self.until.fresh_until

    @property
    def holds_overtaken(self) -> bool:
        """Is something in it that had been invalidated when it was made?"""
        return self.stale and any(slot.state == State.OVERTAKEN for slot in self.slots)

    @property
    def storable(self) -> bool:
        """May it be kept as what the screen is, by everybody?"""
        return self.whole and self.kept and not self.stale and not self.unproven

    def as_entry(self, identity: bytes) -> Entry:
        """What L2 keeps of it, as what this identity is."""
        absent = self.status == 404
        return Entry(identity, self.body, self.tags, self.timing, self.position, absent, slots=self.slots)


def view_from(entry: Entry) -> View:
    """The view that an L2 entry holds."""
    status, body, until = 404 if entry.absent else 200, entry.payload, plain_moments(entry.timing)
    timing, slots = entry.timing, entry.slots
    return View(status, body, digest_of(body), entry.tags, entry.position, timing, until, timing.at, slots)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a view is made with besides its parts: its own tags, the head, and the fleet's time."""

    tags: tuple[str, ...]
    position: Position
    now: float


NOT_THERE = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "What this screen shows is not there.",
}


def compose(screen: Screen, parts: Sequence[Part], stamp: Stamp) -> View:
    """The view made of the parts; its verdicts are the plain ones of its timing. If a required part is absent it is a
    problem document (RFC 9457), kept like any other view."""
    absent = any(part.slot.required and part.absent for part in parts)
    body = orjson.dumps(NOT_THERE) if absent else splice(screen, parts)
    timing, pieces = worst_timing(parts, stamp.now), [piece for part in parts for piece in part.pieces]
    told = tuple(part.told for part in parts)
    return View(
        404 if absent else 200,
        body,
        digest_of(body),
        union([*(entry.tags for part in parts for entry in part.entries), stamp.tags]),
        stamp.position,
        timing,
        plain_moments(timing),
        timing.at,
        told,
        whole=not any(slot.state in BROKEN for slot in told),
        stale=any(piece.state in (State.STALE, State.OVERTAKEN) for piece in pieces),
        unproven=any(piece.state is State.UNPROVEN for piece in pieces),
        kept=all(piece.kept for piece in pieces),
        late=any(failure.reason in _NOT_WAITED_FOR for part in parts for failure in part.all_failures),
    )


def digest_of(body: bytes) -> bytes:
    """32 hex digits that stand for the body's bytes."""
    return blake2b(body, digest_size=16).hexdigest().encode()


def splice(screen: Screen, parts: Sequence[Part]) -> bytes:
    """`{"data":{…}}` with every payload in its place; `errors` beside it where a part failed."""
    data = b'{"data":' + screen.layout.splice([part.payload for part in parts])
    errors = [_error(part, place, failure) for part in parts for place, failure in part.failures]
    return data + (b',"errors":' + orjson.dumps(errors) if errors else b"") + b"}"


TITLES = {
    502: "The answer of a part could not be had",
    503: "A part was not asked",
    504: "A part did not answer in time",
}


def _error(part: Part, place: Sequence[str], failure: Failed) -> dict[str, Any]:
    """An object of RFC 9457 members, the place named by an RFC 6901 pointer into `data`."""
    return {
        "pointer": "".join(f"/{step}" for step in place),
        "title": TITLES[failure.status],
        "status": failure.status,
        "detail": f"{part.slot.fragment.mbu}: {failure.detail}",
    }


# Seconds for which it is right that for these inputs there is nothing to ask for.
_NOTHING_FOR = 60.0
NEVER = Moments(float("inf"), float("inf"), float("inf"))


def worst_timing(parts: Sequence[Part], now: float) -> Timing:
    """The timing of a whole: the earliest end of each verdict among its parts, and their greatest cost; none where the
    first of them to end has none."""
    entries = [entry for part in parts for entry in part.entries]
    if not entries:
        failed = any(True for part in parts for _ in part.all_failures)
        return Timing(now, Lifetime(0.0 if failed else _NOTHING_FOR), 0.0)
    ends = reduce(Moments.worst, (plain_moments(entry.timing) for entry in entries), NEVER)
    at = min(entry.timing.at for entry in entries)
    fresh = ends.fresh_until - at
    stale = (max(0.0, end - ends.fresh_until) for end in ends[1:])
    first = min(entries, key=lambda entry: fresh_until(entry.timing))
    cost = max(entry.timing.cost for entry in entries) if first.timing.cost else 0.0
    return Timing(at, Lifetime(fresh, *stale), cost)


def current(parts: Iterable[Part], ledger: Ledger) -> bool:
    """Are all parts that there are proved current at the ledger's head, so that the whole may be stamped with it?"""
    return all(entry.is_current(ledger) for part in parts for entry in part.entries)
