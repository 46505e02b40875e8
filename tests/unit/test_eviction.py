"""Eviction algorithms: what leaves first."""

import pytest

from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.lru import Lru
from cache_policies.eviction.node import Node
from cache_policies.eviction.s3_fifo import S3Fifo

CAPACITY = 100_000
ALGORITHMS = {"lru": Lru[Node], "s3-fifo": lambda: S3Fifo[Node](CAPACITY)}


def node(key: str, cost: int = 100) -> Node:
    """A node of that key."""
    return Node(key=key.encode(), cost=cost)


@pytest.fixture(params=ALGORITHMS)
def eviction(request: pytest.FixtureRequest) -> Eviction[Node]:
    """Each algorithm in turn, empty."""
    return ALGORITHMS[request.param]()


def test_an_empty_one_has_no_victim(eviction: Eviction[Node]):
    """KeyError says so."""
    with pytest.raises(KeyError):
        eviction.victim()


def test_what_was_removed_never_leaves_again(eviction: Eviction[Node]):
    """A removed node is no victim."""
    a, b = node("a"), node("b")
    eviction.add(a)
    eviction.add(b)
    eviction.remove(a)
    assert eviction.victim() is b
    with pytest.raises(KeyError):
        eviction.victim()


def test_the_least_recently_used_leaves_lru_first():
    """A touch is a use."""
    lru = Lru[Node]()
    a, b, c = nodes = node("a"), node("b"), node("c")
    for one in nodes:
        lru.add(one)
    lru.touch(a)
    assert [lru.victim() for _ in nodes] == [b, c, a]
