"""Taking is what becomes of a view that L2 holds: if it is current here, L1 holds it, too."""

from aggregator.engine.compose import Composer
from aggregator.engine.fill import Knowledge
from aggregator.engine.restamp import Restamping
from aggregator.model.entry import Entry
from aggregator.model.held import Held
from aggregator.model.keys import Key
from aggregator.model.screen import Screen
from aggregator.model.standing import Standing
from aggregator.model.view import View, view_from
from aggregator.tiers.memory import MemoryTier


class Taking:
    """What was found in L2 is checked against the ledger as it enters."""

    def __init__(self, memory: MemoryTier, composer: Composer, restamping: Restamping, knowledge: Knowledge) -> None:
        self._memory = memory
        self._composer = composer
        self._restamping = restamping
        self._known = knowledge

    def take(self, screen: Screen, address: bytes, key: Key, entry: Entry | None) -> tuple[View, Held | None] | None:
        """The view, and the same as L1 holds it, if it does; None where it cannot be used."""
        if entry is None or self._known.standing(entry) is not Standing.FRESH:
            return None
        self._restamping.consider(key, entry)
        view = view_from(entry)
        view.until = self._composer.until(screen, view)
        self._restamp(address, view)
        return view, self._memory.put(screen, address, view)

    def _restamp(self, address: bytes, view: View) -> None:
        """What was just proved current is so at the head; unless L1 holds a fresh one, which was made meanwhile.

        1. This process holds a view. 2. Another one makes it anew. 3. The barrier rises, and what is held is proved
        again, here, above that. 4. It expires, and L2's would never replace it.
        """
        there = self._memory.find(address)
        if there is None or self._known.clock.now() >= there.fresh_until:
            view.position = max(view.position, self._known.ledger.head)
