"""A bounded memory of what was proved of tokens, by their digests; what was not used for longest goes first."""

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


def digest(token: str) -> bytes:
    """What stands for the token, so that none is kept."""
    return hashlib.blake2b(token.encode(), digest_size=32).digest()


class Memo(Generic[T]):
    """limit: the most that is kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[bytes, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> T | None:
        """What is kept there; it is the last to go now."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: bytes, proved: T) -> None:
        """Keep it, in place of what was used longest ago if there are too many."""
        self._kept[key] = proved
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
