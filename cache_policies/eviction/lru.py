"""LRU: what was unused for longest leaves first."""

from typing import Generic, TypeVar

from cache_policies.eviction.node import Node
from cache_policies.eviction.queue import Queue

N = TypeVar("N", bound=Node)


class Lru(Generic[N]):
    """One queue in the order of last use."""

    overhead = 0

    def __init__(self) -> None:
        self._queue: Queue[N] = Queue()
        self.add = self._queue.append
        self.touch = self._queue.renew
        self.remove = self._queue.remove
        self.resize = self._queue.resize
        self.victim = self._queue.pop
