"""An account tells people of what was found for one view: how old it is, how it stands, and why."""

from collections.abc import Iterator
from typing import Any

from aggregator.engine.assembling import wants
from aggregator.engine.explaining import Found, SlotFound
from aggregator.engine.fill import Knowledge
from aggregator.engine.reading import Reading
from aggregator.model.entry import Entry
from aggregator.model.fragment import Fragment
from aggregator.model.held import Held
from aggregator.model.plan import Want
from aggregator.model.position import Position, ms_of, text_of
from aggregator.model.standing import UNPROVEN_FOR, Standing, overtaken_until
from aggregator.model.view import View
from cache_policies.policy import Timing, Verdict, plain_moments
from loaders.loader import Failed

Table = dict[str, Any]

# Of the invalidations that overtook one entry, the first ones are told.
_TOLD = 5
_UNPROVED = "this worker cannot prove that it is at the head of the log"
_OF_L1 = {
    Verdict.FRESH: (True, "fresh, and proved current"),
    Verdict.REVALIDATE: (True, "not fresh any more, but given out, marked, while it is loaded again"),
    Verdict.FALLBACK: (False, "not fresh any more; good only where loading fails"),
    Verdict.EXPIRED: (False, "expired"),
}


class Accounts:
    """trust_unproven: is what cannot be proved current given out all the same?"""

    def __init__(self, known: Knowledge, reading: Reading, trust_unproven: bool) -> None:
        self._known = known
        self._reading = reading
        self._trust_unproven = trust_unproven

    def of(self, found: Found) -> Table:
        """All that there is to tell; seconds, and positions of the log. Nothing that may be a secret is in it, as
        neither payloads nor inputs are."""
        l1, l2 = self._l1(found.held), self._l2(found)
        slots = [self._slot(slot) for slot in found.slots]
        loads = [slot["slot"] for slot in slots if slot["loads"]]
        composed = "mbu" if loads or found.away else "l2"
        return {
            "screen": found.screen.name,
            "from": "l1" if l1["hit"] else "l2" if l2["standing"] == Standing.FRESH.value else composed,
            "loads": loads,
            "log": self._log(),
            "l1": l1,
            "l2": l2,
            "slots": slots,
        }

    def _l2(self, found: Found) -> Table:
        away = {"standing": "unknown", "why": found.away}
        return {"key": found.key.name, **(away if found.away else self._entry(found.entry))}

    def _log(self) -> Table:
        ledger = self._known.ledger
        positions = {"head": ledger.head, "barrier": ledger.barrier, "floor": ledger.floor}
        return {**{name: text_of(position) for name, position in positions.items()}, "vouching": self._known.vouches}

    def _l1(self, held: Held | None) -> Table:
        if held is None:
            return {"hit": False, "why": "not held", "held": False}
        view = held.view()
        hit, why = self._verdict(held, view)
        return {
            "hit": hit,
            "why": why,
            "held": True,
            "status": view.status,
            **self._kept(view.tags, view.position, view.timing, len(view.body)),
            "age": self._since(view.at),
            # Its own, drawn by chance where a view is refreshed early.
            "fresh_for_another": round(held.fresh_until - self._known.clock.now(), 3),
            "heat": round(self._reading.heat_of(held), 2),
            "below_barrier": held.position < self._known.ledger.barrier,
            "whole": view.whole,
            "stale": view.stale,
            "unproven": view.unproven,
        }

    def _verdict(self, held: Held, view: View) -> tuple[bool, str]:
        """Is it a hit, as `engine/serve` decides, and why?"""
        now, ledger = self._known.clock.now(), self._known.ledger
        hit, why = _OF_L1[view.until.judge(now)]
        if not hit:
            return False, why
        if not (self._known.vouches or self._trust_unproven or now - view.at < UNPROVEN_FOR):
            return False, _UNPROVED
        if held.position < ledger.barrier and not ledger.current(view.tags, held.position):
            overtaken = ledger.overtaken(view.tags, held.position)
            return False, "overtaken" if overtaken else "older than what the log can prove"
        return True, why

    def _entry(self, entry: Entry | None) -> Table:
        if entry is None:
            return {"standing": "missing"}
        kept = self._kept(entry.tags, entry.position, entry.timing, len(entry.payload))
        return {"standing": self._known.standing(entry).value, "absent": entry.absent, **kept}

    def _kept(self, tags: tuple[str, ...], position: Position, timing: Timing, size: int) -> Table:
        lifetime = timing.lifetime._asdict()
        lifetime["serve_overtaken_on_error"] = lifetime.pop("overtaken_if_error")
        return {
            "position": text_of(position),
            "age": self._since(timing.at),
            "fresh_for_another": round(plain_moments(timing).fresh_until - self._known.clock.now(), 3),
            "lifetime": {name: round(seconds, 3) for name, seconds in lifetime.items()},
            "loading_took": round(timing.cost, 6),
            "bytes": size,
            "tags": list(tags),
            "overtaken_by": list(self._overtaking(tags, position)),
        }

    def _overtaking(self, tags: tuple[str, ...], position: Position) -> Iterator[Table]:
        for at, tag in self._known.ledger.overtaking(tags, position)[:_TOLD]:
            yield {"tag": tag, "position": text_of(at), "ago": self._since(ms_of(at) / 1000)}

    def _slot(self, found: SlotFound) -> Table:
        entries = [self._fragment(want, found.entries[want.key.name]) for want in wants(found.needs)]
        told = {"slot": found.slot.name, "fragment": found.slot.fragment.name, "mbu": found.slot.fragment.mbu}
        return {
            **told,
            "loads": None if found.lost else not all(entry["used"] for entry in entries),
            "why": _why(found),
            "entries": entries,
        }

    def _fragment(self, want: Want, entry: Entry | None) -> Table:
        used = entry is not None and self._used(want.fragment, entry)
        return {"key": want.key.name, "used": used, **self._entry(entry)}

    def _used(self, fragment: Fragment, entry: Entry) -> bool:
        """Is it taken, so that no MBU is asked for it, as `engine/parts` decides?"""
        now = self._known.clock.now()
        match self._known.standing(entry):
            case Standing.FRESH | Standing.REVALIDATE:
                return True
            case Standing.OVERTAKEN:
                return fragment.serves_overtaken and now < overtaken_until(entry, self._known.ledger, now)
            case Standing.UNPROVEN:
                return self._trust_unproven and now < plain_moments(entry.timing).fresh_until
        return False

    def _since(self, instant: float) -> float:
        return round(self._known.clock.now() - instant, 3)


def _why(found: SlotFound) -> str | None:
    """Why there is less to tell of a slot than its entries."""
    if found.lost:
        return f"what it needs is told by {found.lost}, which L2 does not hold"
    if isinstance(found.needs, Failed):
        return found.needs.detail
    return None if wants(found.needs) else "there is nothing to ask for"
