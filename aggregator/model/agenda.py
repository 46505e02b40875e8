"""An agenda is what is to be refreshed: of what may begin now the hottest first, one of an address, bounded."""

from heapq import heapify, heappop, heappush, nsmallest
from math import inf

from msgspec import Struct

from aggregator.model.inputs import Inputs
from aggregator.model.position import Position
from aggregator.model.screen import Screen


class Due(Struct, eq=False):
    """A view to be composed anew. needs: no earlier than at this position. ahead: seconds for which its parts have to
    be fresh still. rank: its heat times its cost. cost: seconds that loading took. inputs: None where only the address
    is known. asked: a reader was given what is stale already, so that it is refreshed be it hot or not. at_end: nothing
    asks for it before the view ends. looks: 0, or how often it was looked for since another process has been composing
    it, and once more."""

    screen: Screen
    address: bytes
    needs: Position
    rank: float
    cost: float
    ahead: float = 0.0
    inputs: Inputs | None = None
    asked: bool = False
    at_end: bool = False
    looks: int = 0

    @property
    def begun_from(self) -> Position:
        """The least position at which a composition begins that serves it: what a reader was given has to be replaced
        by what was begun later."""
        return self.needs if self.inputs is None else Position(self.needs + 1)

    def serve_too(self, other: "Due") -> None:
        """Be what another one of the same address is for, too."""
        self.needs, self.rank = max(self.needs, other.needs), max(self.rank, other.rank)
        self.inputs, self.asked = self.inputs or other.inputs, self.asked or other.asked
        self.ahead = max(self.ahead, other.ahead)


class Agenda:
    """capacity: beyond it the coldest half is dropped, whose next readers load."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._due: dict[bytes, Due] = {}
        # Both may hold what was taken off or replaced since: what counts is whether it is in `_due` still.
        self._ready: list[tuple[float, int, Due]] = []
        self._later: list[tuple[float, int, Due]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, due: Due, at: float = -inf) -> None:
        """Not before the instant `at`; where the address is on it already, that one is to serve both, unless it is only
        due at an end that this one comes before, or moves."""
        there = self._due.get(due.address)
        if there and there.screen is due.screen and not there.at_end and (due.looks or not there.looks):
            there.serve_too(due)
            return
        self._due[due.address] = due
        self._count += 1
        if at == -inf:
            heappush(self._ready, (-due.rank, self._count, due))
        else:
            heappush(self._later, (at, self._count, due))
        if len(self._due) > self._capacity:
            self._drop()

    def pop(self, now: float) -> Due | None:
        """Take off the hottest of those that may begin."""
        while self._later and self._later[0][0] <= now:
            _, number, due = heappop(self._later)
            heappush(self._ready, (-due.rank, number, due))
        while self._ready:
            due = heappop(self._ready)[2]
            if self._due.get(due.address) is due:
                del self._due[due.address]
                return due
        return None

    @property
    def next_at(self) -> float:
        """When there may be something to pop: -inf where there may be already, inf where there is nothing."""
        return -inf if self._ready else self._later[0][0] if self._later else inf

    def _drop(self) -> None:
        kept = [one for one in self._ready if self._due.get(one[2].address) is one[2]]
        later = [one for one in self._later if self._due.get(one[2].address) is one[2]]
        self._ready = nsmallest(max(0, self._capacity // 2 - len(later)), kept)
        self._later = later[: self._capacity // 2]
        heapify(self._later)
        self._due = {due.address: due for _, _, due in (*self._ready, *self._later)}
