"""What is kept, as an eviction algorithm sees it: a link in one of its queues."""

from typing import Self

import msgspec


class Node(msgspec.Struct, kw_only=True, gc=False, eq=False):
    """Made to be inherited from by what is kept, so that keeping it costs no second object; made by keywords.

    cost: bytes, at least 1; while it is kept only its algorithm's `resize` changes it.
    The other fields belong to the algorithm that keeps it.
    Subclasses say `gc=False` too: the cyclic garbage collector then never walks over a million of them, and must not
    need to, so what is in a node does not refer back to it, and the algorithms take their links apart.
    """

    key: bytes
    cost: int
    before: Self | None = None
    after: Self | None = None
    uses: int = 0
    queue: int = 0
