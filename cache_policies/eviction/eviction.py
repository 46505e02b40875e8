"""The seam to an eviction algorithm: it is told what is kept and used, and names what leaves first."""

from collections.abc import Hashable
from typing import Protocol, TypeVar

K = TypeVar("K", bound=Hashable)


class Eviction(Protocol[K]):
    """Every method is O(1), amortised. A key is added once before anything else is said of it."""

    def add(self, key: K) -> None:
        """`key` is kept from now on."""

    def touch(self, key: K) -> None:
        """`key`, which is kept, was used."""

    def remove(self, key: K) -> None:
        """`key` was taken out for another reason than space; it says nothing about its worth."""

    def victim(self) -> K:
        """Take out and name the key that leaves first; KeyError if none is kept."""
