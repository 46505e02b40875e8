"""The seam to an eviction algorithm: it is told what is kept and used, and names what leaves first."""

from typing import Protocol, TypeVar

from cache_policies.eviction.node import Node

N = TypeVar("N", bound=Node)


class Eviction(Protocol[N]):
    """Every method is O(1), amortised. Whoever keeps nodes makes room for one first, and then adds it:

    while size + node.cost > capacity:
        drop(eviction.victim())
    eviction.add(node)

    """

    @property
    def overhead(self) -> int:
        """The bytes that the algorithm holds for itself, from its beginning on; what is in the nodes is not counted."""

    def add(self, node: N) -> None:
        """`node` is kept from now on; it is in no queue and its key is not that of another node that is kept."""

    def touch(self, node: N) -> None:
        """`node`, which is kept, was used."""

    def remove(self, node: N) -> None:
        """`node`, which is kept, is taken out for another reason than space; it says nothing about its worth."""

    def resize(self, node: N, cost: int) -> None:
        """`node`, which is kept, costs something else from now on; what it is worth stays."""

    def victim(self) -> N:
        """Take out what leaves first; KeyError if nothing is kept."""
