"""The eviction algorithms by the names that a setting has for them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.lru import Lru
from cache_policies.eviction.node import Node
from cache_policies.eviction.s3_fifo import S3Fifo
from cache_policies.eviction.s3_fifo_adaptive import AdaptiveS3Fifo
from cache_policies.eviction.sieve import Sieve
from cache_policies.eviction.w_tinylfu import WTinyLfu

N = TypeVar("N", bound=Node)

DEFAULT = "s3-fifo-adaptive"
ALGORITHMS: Mapping[str, Callable[[int], Eviction[Any]]] = {
    "lru": lambda _: Lru(),
    "sieve": lambda _: Sieve(),
    "s3-fifo": S3Fifo,
    DEFAULT: AdaptiveS3Fifo,
    "w-tinylfu": WTinyLfu,
}


def chosen(name: str, capacity: int) -> Eviction[N]:
    """The algorithm of that name, for what has `capacity` bytes; KeyError if there is none."""
    return ALGORITHMS[name](capacity)
