"""An entry is one kept answer: a fragment of one MBU, or a view composed of several."""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from cache_policies.policy import Timing


class SlotState(NamedTuple):
    """What there is to tell of one slot of a view. state: a word of `State`. at: when its oldest entry was loaded, and
    fresh_until, fleet seconds; 0 where it has none. missing: places of a list that failed. absent: those with nothing.
    """

    name: str
    state: str
    at: float = 0.0
    fresh_until: float = 0.0
    missing: int = 0
    absent: int = 0


# Seconds after an entry's last use within which a 304 may renew it.
REVALIDATED_WITHIN = 60.0


class Entry(msgspec.Struct, frozen=True):
    """identity: the full key (`Key.identity`).
    payload: JSON text. tags: all of them, the implicit ones too.
    position: the head that the process had applied before the load began, or at which it was proved current.
    absent: there is nothing; the payload is `null`.
    etag, last_modified: the MBU's own validators, as it sent them.
    slots: of a view, what there is to tell of each of its slots.
    """

    identity: bytes
    payload: bytes
    tags: tuple[str, ...]
    timing: Timing
    position: Position
    absent: bool = False
    etag: str | None = None
    last_modified: str | None = None
    slots: tuple[SlotState, ...] = ()

    @property
    def kept_for(self) -> float:
        """Seconds for which L2 keeps it: while it may be used, and with validators a while longer, so that the MBU can
        say that it is still right."""
        again = REVALIDATED_WITHIN if self.etag or self.last_modified else 0.0
        return self.timing.lifetime.kept_for + again

    def is_current(self, ledger: Ledger) -> bool:
        """Is it proved that nothing it depends on was invalidated since it was loaded?"""
        return ledger.current(self.tags, self.position)

    def restamped(self, position: Position) -> "Entry":
        """The same entry, proved current at `position`."""
        return replace(self, position=position)
