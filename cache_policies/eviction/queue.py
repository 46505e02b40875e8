"""A queue of nodes, linked through the nodes themselves, that knows its bytes."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from cache_policies.eviction.node import Node

N = TypeVar("N", bound=Node)


class Queue(Generic[N]):
    """Oldest first; every method but iteration is O(1). A node is in one queue at a time.

    size: the bytes of all its nodes.
    """

    def __init__(self) -> None:
        self.oldest: N | None = None
        self.newest: N | None = None
        self.size = 0

    def __iter__(self) -> Iterator[N]:
        node = self.oldest
        while node is not None:
            yield node
            node = node.after

    def append(self, node: N) -> None:
        """Put `node`, which is in no queue, at the newest end."""
        newest = self.newest
        if newest is None:
            self.oldest = node
        else:
            newest.after = node
            node.before = newest
        self.newest = node
        self.size += node.cost

    def remove(self, node: N) -> None:
        """Take `node`, which is in this queue, out of it."""
        before, after = node.before, node.after
        if before is None:
            self.oldest = after
        else:
            before.after = after
        if after is None:
            self.newest = before
        else:
            after.before = before
        node.before = node.after = None
        self.size -= node.cost

    def resize(self, node: N, cost: int) -> None:
        """`node`, which is in this queue, costs something else from now on."""
        self.size += cost - node.cost
        node.cost = cost

    def pop(self) -> N:
        """Take the oldest out; KeyError if there is none."""
        oldest = self.oldest
        if oldest is None:
            raise KeyError("the queue is empty")
        self.remove(oldest)
        return oldest

    def renew(self, node: N) -> None:
        """Move `node`, which is in this queue, to its newest end."""
        if node is not self.newest:
            self.remove(node)
            self.append(node)

    def __del__(self) -> None:
        # Neighbours refer to each other, and no garbage collector sees them.
        node = self.oldest
        while node is not None:
            following, node.before, node.after = node.after, None, None
            node = following
