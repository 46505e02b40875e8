"""The crowd is whoever waits for loads: so many for one key, so many in all, and whoever comes then is told at once."""

from aggregator.events import Observer, TurnedAway
from aggregator.model.plan import Want
from loaders.loader import Failed, Reason

# By then a load that is in the air has mostly ended, one way or the other (seconds).
_RETRY_AFTER = 1.0


class Crowd:
    """per_key, in_all: the most callers of this process that wait for one key's loads, and for loads. One that waits
    for the loads of several keys counts for each."""

    def __init__(self, per_key: int, in_all: int, observe: Observer) -> None:
        self._per_key = per_key
        self._in_all = in_all
        self._observe = observe
        self._waiting: dict[bytes, int] = {}
        self._count = 0

    @property
    def size(self) -> int:
        """How many wait."""
        return self._count

    def waiting(self, want: Want) -> int:
        """How many of them wait for what is wanted."""
        return self._waiting.get(want.key.identity, 0)

    def has_room(self, want: Want) -> bool:
        """May one more wait?"""
        return self._bound(want) is None

    def refused(self, want: Want) -> Failed | None:
        """The failure of one more caller, who is turned away; None where it may enter."""
        if (bound := self._bound(want)) is None:
            return None
        self._observe(TurnedAway(want.fragment.mbu, want.fragment.name, bound))
        return Failed(Reason.CROWDED, f"as many wait for loads already as may ({bound})", _RETRY_AFTER)

    def enter(self, want: Want) -> None:
        """Be one of them, until `leave`."""
        self._waiting[want.key.identity] = self.waiting(want) + 1
        self._count += 1

    def leave(self, want: Want) -> None:
        """Give the place back: the load is over, or it is not waited for any more."""
        self._count -= 1
        if left := self.waiting(want) - 1:
            self._waiting[want.key.identity] = left
        else:
            del self._waiting[want.key.identity]

    def _bound(self, want: Want) -> str | None:
        """The setting that keeps a caller out."""
        if self.waiting(want) >= self._per_key:
            return "max_waiters_per_key"
        return "max_waiters" if self._count >= self._in_all else None
