"""An answer is a view and the truth about it: which tier it came from, and what is not whole or not fresh in it."""

from collections.abc import Iterator

from msgspec import Struct

from aggregator.model.entry import SlotState
from aggregator.model.held import Held
from aggregator.model.part import State
from aggregator.model.screen import Slot
from aggregator.model.view import View
from loaders.loader import Failed

_AS_DECLARED = {State.FRESH, State.ABSENT}


class Answer(Struct, frozen=True):
    """tier: "l1", "l2", or "mbu" where some part was loaded for it. now: fleet seconds. ttl: seconds it is fresh for,
    negative if stale. stale, unproven: as it is now. had: something was held that could not be used. loaded: the slots
    that were loaded. stored: it is kept as what the screen is. current: nothing in it had been overtaken when it was
    answered. due: a stale or overtaken part was used because it is to be loaded again behind the answer. held: the view
    as L1 keeps it, where it does."""

    view: View
    tier: str
    now: float
    ttl: float
    stale: bool
    unproven: bool
    had: bool = False
    loaded: tuple[str, ...] = ()
    stored: bool = False
    current: bool = True
    due: bool = False
    held: Held | None = None

    @property
    def whole(self) -> bool:
        """Is every part in it as declared and fresh, so that it may be kept downstream?"""
        return self.view.whole and self.view.kept and self.current and not self.stale and not self.unproven

    @property
    def state(self) -> str:
        """Its state in one word, the gravest first."""
        if not self.view.whole:
            return "incomplete"
        if self.unproven:
            return "unproven"
        if self.stale:
            return "overtaken" if self.overtaken else "stale"
        return "absent" if self.view.status == 404 else "fresh"

    @property
    def overtaken(self) -> bool:
        """Does it hold something that was invalidated, because loading failed or goes on behind the answer?"""
        return self.view.holds_overtaken

    @property
    def slots(self) -> tuple[SlotState, ...]:
        """What there is to tell of each slot now: what was fresh when the view was made may be so no longer."""
        return tuple(self._now(slot) for slot in self.view.slots)

    def _now(self, slot: SlotState) -> SlotState:
        if slot.state not in _AS_DECLARED:
            return slot
        if self.unproven:
            return slot._replace(state=State.UNPROVEN)
        return slot._replace(state=State.STALE) if slot.at and slot.fresh_until <= self.now else slot


class Refused(Struct, frozen=True):
    """A required slot failed, and nothing older may stand in for it. slots: what there is to tell of each."""

    slot: Slot
    failure: Failed
    now: float
    slots: tuple[SlotState, ...] = ()
    tier: str = "mbu"
    state: str = "failed"


def wanting(answer: Answer | Refused) -> Iterator[tuple[str, str]]:
    """The slots that are not as declared, each with its state."""
    if answer.state in _AS_DECLARED:
        return
    for slot in answer.slots:
        if slot.state not in _AS_DECLARED:
            yield slot.name, slot.state
