"""W-TinyLFU: what leaves a small window stays only if it was used more often than what would leave instead."""

from typing import Generic, TypeVar

from cache_policies.eviction.node import Node
from cache_policies.eviction.queue import Queue
from cache_policies.eviction.sketch import Sketch

N = TypeVar("N", bound=Node)

WINDOW_SHARE, PROTECTED_SHARE = 0.01, 0.8
WINDOW, PROBATION, PROTECTED = 0, 1, 2


class WTinyLfu(Generic[N]):
    """Einziger et al., ACM TOS 2017: an LRU window, and behind it a segmented LRU that a frequency sketch guards.

    capacity: bytes of all that is kept. grain: the sketch is made for one key in so many bytes of them.
    """

    def __init__(self, capacity: int, grain: int = 4096) -> None:
        self._queues: tuple[Queue[N], Queue[N], Queue[N]] = (Queue(), Queue(), Queue())
        self._window, self._probation, self._protected = self._queues
        self._main_limit = capacity - int(capacity * WINDOW_SHARE)
        self._protected_limit = int(self._main_limit * PROTECTED_SHARE)
        self._sketch = Sketch(capacity // grain)

    @property
    def overhead(self) -> int:
        """Bytes of the sketch."""
        return self._sketch.overhead

    def add(self, node: N) -> None:
        """Into the window."""
        self._sketch.count(node.key)
        self._put(node, WINDOW)

    def touch(self, node: N) -> None:
        """Count a use, and renew: what is used on probation is protected from then on."""
        self._sketch.count(node.key)
        if node.queue == PROBATION:
            self._probation.remove(node)
            self._protect(node)
        else:
            self._queues[node.queue].renew(node)

    def remove(self, node: N) -> None:
        """Take `node` out of its queue."""
        self._queues[node.queue].remove(node)

    def resize(self, node: N, cost: int) -> None:
        """In whichever queue it is."""
        self._queues[node.queue].resize(node, cost)

    def victim(self) -> N:
        """The less used of what leaves the window and what leaves probation; the newcomer, where they are equal."""
        while (candidate := self._window.oldest) is not None:
            victim = self._last().oldest
            if victim is not None and self._main_size() + candidate.cost > self._main_limit:
                return self._lesser(candidate, victim)
            self._window.remove(candidate)
            self._put(candidate, PROBATION)
        return self._last().pop()

    def _last(self) -> Queue[N]:
        return self._protected if self._probation.oldest is None else self._probation

    def _lesser(self, candidate: N, victim: N) -> N:
        better = self._sketch.estimate(candidate.key) > self._sketch.estimate(victim.key)
        # As in libCacheSim, to be tried counts as a use; without it fewer hits were measured on every trace.
        self._sketch.count(candidate.key)
        self._window.remove(candidate)
        if not better:
            return candidate
        self.remove(victim)
        self._put(candidate, PROBATION)
        return victim

    def _protect(self, node: N) -> None:
        self._put(node, PROTECTED)
        while self._protected.size > self._protected_limit:
            self._put(self._protected.pop(), PROBATION)

    def _put(self, node: N, queue: int) -> None:
        node.queue = queue
        self._queues[queue].append(node)

    def _main_size(self) -> int:
        return self._probation.size + self._protected.size
