"""Heat is how much a view is read these days: reads that count the less, the longer ago they were."""

from collections import OrderedDict
from heapq import nlargest
from itertools import takewhile

HALF_LIFE = 120.0  # seconds


class Heat:
    """Address → decayed reads, of the views read last: at most `capacity` of them.

    A read counts 1 at first, and half as much after each `half_life` (seconds). idle_after: seconds after which a view
    that nobody has read is cold, however often it was before.
    """

    def __init__(self, capacity: int = 50_000, half_life: float = HALF_LIFE, idle_after: float = 600.0) -> None:
        self._capacity = capacity
        self._half_life = half_life
        self._idle_after = idle_after
        # The score, and when it was that; those read last at the end.
        self._scores: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._scores)

    def note(self, address: bytes, reads: int, now: float) -> None:
        """So many reads of a view just now."""
        self._scores[address] = self.of(address, now) + reads, now
        self._scores.move_to_end(address)
        if len(self._scores) > self._capacity:
            self._scores.popitem(last=False)

    def of(self, address: bytes, now: float) -> float:
        """The decayed reads of a view; 0 where nothing is known, or nobody has read it for long."""
        score, at = self._scores.get(address, (0.0, now))
        return self._decayed(score, at, now)

    def hottest(self, count: int, now: float) -> list[tuple[bytes, float]]:
        """The addresses of the views that are read most, each with its decayed reads, in that order."""
        scores = ((address, self._decayed(*scored, now)) for address, scored in self._scores.items())
        return nlargest(count, ((address, score) for address, score in scores if score > 0), key=lambda pair: pair[1])

    def addresses(self) -> list[bytes]:
        """Of all that anything is known of."""
        return list(self._scores)

    def read_since(self, then: float) -> list[bytes]:
        """The addresses of the views read at `then` or later, those read last first."""
        read = takewhile(lambda scored: scored[1][1] >= then, reversed(self._scores.items()))
        return [address for address, _ in read]

    def _decayed(self, score: float, at: float, now: float) -> float:
        since = max(0.0, now - at)  # the fleet's clock may step back
        return 0.0 if since > self._idle_after else score * 2.0 ** (-since / self._half_life)
