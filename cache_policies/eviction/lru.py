"""LRU: the key that was unused for longest leaves first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Lru(Generic[K]):
    """Keys in the order of last use, oldest first."""

    def __init__(self) -> None:
        # A plain dict keeps the same order, but finding its first key walks over all those deleted before it.
        self._order: OrderedDict[K, None] = OrderedDict()

    def add(self, key: K) -> None:
        """Keep `key`, as used just now."""
        self._order[key] = None

    def touch(self, key: K) -> None:
        """Note a use."""
        self._order.move_to_end(key)

    def remove(self, key: K) -> None:
        """Forget `key`."""
        del self._order[key]

    def victim(self) -> K:
        """Take out the least recently used key; KeyError if there is none."""
        return self._order.popitem(last=False)[0]
