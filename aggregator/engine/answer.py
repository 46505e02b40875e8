"""An answer is a view and the truth about it: which tier it came from, and what is not whole or not fresh in it."""

from dataclasses import dataclass

from aggregator.model.screen import Slot
from aggregator.model.view import View
from loaders.loader import Failed


@dataclass(frozen=True, slots=True)
class Answer:
    """tier: "l1", "l2", or "mbu" where some part was loaded for it. ttl: seconds it is fresh for, negative if stale.
    stale, unproven: as it is now. had: something was held that could not be used. loaded: the slots that were loaded.
    stored: it is kept as what the screen is. current: nothing in it had been overtaken when it was answered.
    due: a stale part was used because it is to be revalidated behind the answer."""

    view: View
    tier: str
    ttl: float
    stale: bool
    unproven: bool
    had: bool = False
    loaded: tuple[str, ...] = ()
    stored: bool = False
    current: bool = True
    due: bool = False

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
            return "stale"
        return "absent" if self.view.status == 404 else "fresh"


@dataclass(frozen=True, slots=True)
class Refused:
    """A required slot failed, and nothing older may stand in for it."""

    slot: Slot
    failure: Failed
    tier: str = "mbu"
    state: str = "failed"
