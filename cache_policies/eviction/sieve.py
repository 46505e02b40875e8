"""SIEVE: a hand goes from old to new over one queue, spares what was used since it last came by, and takes the rest."""

from typing import Generic, TypeVar

from cache_policies.eviction.node import Node
from cache_policies.eviction.queue import Queue

N = TypeVar("N", bound=Node)


class Sieve(Generic[N]):
    """Zhang et al., NSDI 2024. What is spared stays where it is, so that what is new is looked at soon."""

    overhead = 0

    def __init__(self) -> None:
        self._queue: Queue[N] = Queue()
        self._hand: N | None = None
        self.resize = self._queue.resize

    def add(self, node: N) -> None:
        """At the newest end, unused."""
        node.uses = 0
        self._queue.append(node)

    def touch(self, node: N) -> None:
        """Spare `node` once."""
        node.uses = 1

    def remove(self, node: N) -> None:
        """Take `node` out; the hand does not stay on it."""
        if node is self._hand:
            self._hand = node.after
        self._queue.remove(node)

    def victim(self) -> N:
        """What the hand finds unused; KeyError if nothing is kept."""
        node = self._at(self._hand)
        while node.uses:
            node.uses = 0
            node = self._at(node.after)
        self._hand = node.after
        self._queue.remove(node)
        return node

    def _at(self, node: N | None) -> N:
        """Where the hand is: past the newest it begins again."""
        found = self._queue.oldest if node is None else node
        if found is None:
            raise KeyError("nothing is kept")
        return found
