"""Eviction algorithms: which key leaves first."""

import pytest

from cache_policies.eviction.lru import Lru


def lru(*keys: str) -> Lru[str]:
    """An Lru to which the keys were added in this order."""
    order: Lru[str] = Lru()
    for key in keys:
        order.add(key)
    return order


def test_the_least_recently_used_leaves_first():
    """A touch is a use."""
    order = lru("a", "b", "c")
    order.touch("a")
    assert [order.victim() for _ in range(3)] == ["b", "c", "a"]


def test_what_was_removed_never_leaves_again():
    """A removed key is no victim."""
    order = lru("a", "b")
    order.remove("a")
    assert order.victim() == "b"


def test_an_empty_one_has_no_victim():
    """KeyError says so."""
    with pytest.raises(KeyError):
        lru().victim()
