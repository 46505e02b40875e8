"""S3-FIFO whose border between the queues moves towards the one that lets go less of what comes back."""

from typing import Generic, TypeVar

from cache_policies.eviction.ghosts import Ghosts
from cache_policies.eviction.node import Node
from cache_policies.eviction.s3_fifo import MAIN, S3Fifo

N = TypeVar("N", bound=Node)

SHORTLY = 0.1
LEAST_SHARE, MOST_SHARE = 0.05, 0.9


class AdaptiveS3Fifo(Generic[N]):
    """What comes back shortly after its queue let it go moves the border between the queues by its own bytes, as in ARC
    (Megiddo and Modha, FAST 2003): it would have been a hit, had that queue had so much more.

    capacity, grain: as of S3Fifo. Shortly is before SHORTLY of the capacity left through the same queue.
    """

    def __init__(self, capacity: int, grain: int = 2048) -> None:
        self._inner: S3Fifo[N] = S3Fifo(capacity, grain)
        self._least, self._most = int(capacity * LEAST_SHARE), int(capacity * MOST_SHARE)
        limit = int(capacity * SHORTLY)
        self._from_small, self._from_main = Ghosts(limit, limit // grain), Ghosts(limit, limit // grain)
        self.touch = self._inner.touch
        self.remove = self._inner.remove
        self.resize = self._inner.resize

    @property
    def overhead(self) -> int:
        """Bytes of all ghosts."""
        return self._inner.overhead + self._from_small.overhead + self._from_main.overhead

    @property
    def small_limit(self) -> int:
        """The bytes that are the small queue's at present."""
        return self._inner.small_limit

    def add(self, node: N) -> None:
        """As S3Fifo, with the border moved first."""
        if self._from_small.take(node.key):
            self._move_border(node.cost)
        elif self._from_main.take(node.key):
            self._move_border(-node.cost)
        self._inner.add(node)

    def victim(self) -> N:
        """As S3Fifo."""
        node = self._inner.victim()
        ghosts = self._from_main if node.queue == MAIN else self._from_small
        ghosts.add(node.key, node.cost)
        ghosts.trim()
        return node

    def _move_border(self, by: int) -> None:
        self._inner.small_limit = max(self._least, min(self._most, self.small_limit + by))
