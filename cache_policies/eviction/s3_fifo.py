"""S3-FIFO: what is not used again soon leaves through a small queue, and never reaches the main one."""

from typing import Generic, TypeVar

from cache_policies.eviction.ghosts import Ghosts
from cache_policies.eviction.node import Node
from cache_policies.eviction.queue import Queue

N = TypeVar("N", bound=Node)

SMALL_SHARE, GHOST_SHARE = 0.1, 0.9
# A node that was used so often while in the small queue goes on to the main one.
PROMOTED_AFTER = 2
MOST_USES = 3
SMALL, MAIN = 0, 1


class S3Fifo(Generic[N]):
    """Yang et al., SOSP 2023, in bytes; with the start of libCacheSim, which fills the main queue before it evicts.

    capacity: bytes of all that is kept; small_limit of them are the small queue's, the rest the main one's.
    grain: there is one place for a ghost in so many bytes of them.
    """

    def __init__(self, capacity: int, grain: int = 2048) -> None:
        self._small: Queue[N] = Queue()
        self._main: Queue[N] = Queue()
        self._capacity = capacity
        self.small_limit = int(capacity * SMALL_SHARE)
        ghost_limit = int(capacity * GHOST_SHARE)
        self._ghosts = Ghosts(ghost_limit, ghost_limit // grain)
        self._full = False

    @property
    def overhead(self) -> int:
        """Bytes of the ghosts."""
        return self._ghosts.overhead

    def add(self, node: N) -> None:
        """Into the main queue where the key left lately, or where the cache was never full; else into the small one."""
        known = self._ghosts.take(node.key)
        # Only now: what left to make room for this node must not have pushed out the memory of it.
        self._ghosts.trim()
        node.uses = 0
        if known or not (self._full or self._small.size < self.small_limit):
            self._to_main(node)
        else:
            node.queue = SMALL
            self._small.append(node)

    def touch(self, node: N) -> None:
        """Count a use."""
        if node.uses < MOST_USES:
            node.uses += 1

    def remove(self, node: N) -> None:
        """Take `node` out of its queue."""
        (self._main if node.queue else self._small).remove(node)

    def resize(self, node: N, cost: int) -> None:
        """In whichever queue it is."""
        (self._main if node.queue else self._small).resize(node, cost)

    def victim(self) -> N:
        """From the small queue, unless the main one has more than its share."""
        self._full = True
        if self._main.size <= self._capacity - self.small_limit:
            while self._small.oldest is not None:
                node = self._small.pop()
                if node.uses < PROMOTED_AFTER:
                    self._ghosts.add(node.key, node.cost)
                    return node
                node.uses = 0
                self._to_main(node)
        return self._victim_of_main()

    def _victim_of_main(self) -> N:
        node = self._main.pop()
        while node.uses:
            node.uses -= 1
            self._main.append(node)
            node = self._main.pop()
        return node

    def _to_main(self, node: N) -> None:
        node.queue = MAIN
        self._main.append(node)
