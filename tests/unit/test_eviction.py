"""Eviction algorithms: what leaves first."""

import gc
import weakref

import pytest

from cache_policies.eviction.choice import ALGORITHMS, DEFAULT, chosen
from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.ghosts import Ghosts
from cache_policies.eviction.lru import Lru
from cache_policies.eviction.node import Node
from cache_policies.eviction.s3_fifo import S3Fifo
from cache_policies.eviction.s3_fifo_adaptive import AdaptiveS3Fifo
from cache_policies.eviction.sieve import Sieve
from tests.replay import Trace, replay, zipf

CAPACITY = 1_000_000


class Payload:
    """Something whose end can be seen."""


class Held(Node, gc=False, eq=False):
    """What is kept, as a tier would."""

    payload: Payload


def node(key: str, cost: int = 100) -> Node:
    """A node of that key."""
    return Node(key=key.encode(), cost=cost)


@pytest.fixture(params=ALGORITHMS)
def eviction(request: pytest.FixtureRequest) -> Eviction[Node]:
    """Each algorithm in turn, empty."""
    return chosen(request.param, CAPACITY)


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


def test_what_it_holds_for_itself_does_not_grow(eviction: Eviction[Node]):
    """The overhead told at the beginning is that of the end."""
    told = eviction.overhead
    replay(eviction, CAPACITY, [(one, 1_000) for one in range(5_000)])
    assert eviction.overhead == told <= CAPACITY // 20


@pytest.mark.parametrize("name", ALGORITHMS)
def test_nodes_end_with_the_algorithm_that_kept_them(name: str):
    """Without the cyclic garbage collector, which does not see them."""
    eviction: Eviction[Node] = chosen(name, CAPACITY)
    payloads = [Payload() for _ in range(1_000)]
    ends = [weakref.ref(payload) for payload in payloads]
    for at, payload in enumerate(payloads):
        held = Held(key=b"%d" % at, cost=100, payload=payload)
        assert not gc.is_tracked(held)
        eviction.add(held)
        eviction.touch(held)
    del eviction, held, payload, payloads
    assert not any(end() for end in ends)


def test_the_least_recently_used_leaves_lru_first():
    """A touch is a use."""
    lru = Lru[Node]()
    a, b, c = nodes = node("a"), node("b"), node("c")
    for one in nodes:
        lru.add(one)
    lru.touch(a)
    assert [lru.victim() for _ in nodes] == [b, c, a]


def test_sieve_spares_what_was_used_once_and_goes_on_from_there():
    """The hand does not begin again at the oldest."""
    sieve = Sieve[Node]()
    a, b, c, d = nodes = [node(key) for key in "abcd"]
    for one in nodes:
        sieve.add(one)
    sieve.touch(a)
    assert sieve.victim() is b
    sieve.remove(c)
    assert [sieve.victim(), sieve.victim()] == [d, a]


@pytest.mark.parametrize(("name", "left"), [(DEFAULT, 1_000), ("s3-fifo", 1_000), ("lru", 0)])
def test_large_views_that_are_seen_once_push_out_no_small_ones_that_are_used(name: str, left: int):
    """A thousand of 800 bytes, used twice, all outlive a thousand of an eighth of the capacity; in LRU none does."""
    small = [(one, 800) for one in range(1_000)]
    large = [(one, CAPACITY // 8) for one in range(1_000, 2_000)]
    hits = replay(chosen(name, CAPACITY), CAPACITY, [*small * 3, *large, *small], share=8)
    assert sum(hits[-1_000:]) == left


def test_what_left_lately_comes_back_into_the_main_queue():
    """The ghost of a node that left the small queue is known, though what made room for it left after it."""
    eviction = S3Fifo[Node](10_000)
    nodes = [node(str(at), 1_000) for at in range(10)]
    for one in nodes:
        eviction.add(one)
    gone = eviction.victim()
    eviction.add(gone)
    assert [eviction.victim() for _ in range(10)][-1] is gone


@pytest.mark.parametrize(
    ("trace", "grows"),
    [
        # Asked for a second time after it left the small queue: a hit, had that been larger.
        ([(asked, 1_000) for one in range(10_000) for asked in (one, max(one - 150, 0))], True),
        # By Zipf's law, what was used once is most likely not used again.
        (zipf(1, 50_000, 10_000, 1.0, 1_000), False),
    ],
)
def test_the_border_moves_towards_the_queue_that_lets_go_less_of_what_comes_back(trace: Trace, grows: bool):
    """From a tenth, either way."""
    eviction = AdaptiveS3Fifo[Node](CAPACITY, grain=256)
    replay(eviction, CAPACITY, trace)
    assert (eviction.small_limit > 1.4 * CAPACITY // 10) if grows else (eviction.small_limit < 0.6 * CAPACITY // 10)


def test_a_ghost_is_forgotten_when_its_place_is_needed():
    """The oldest first; those that were taken need a place until then."""
    ghosts = Ghosts(limit=1_000, places=3)
    for key in (b"a", b"b", b"c"):
        ghosts.add(key, 10)
    assert ghosts.take(b"b")
    ghosts.add(b"d", 10)
    assert [ghosts.take(key) for key in (b"a", b"b", b"c", b"d")] == [False, False, True, True]
    assert ghosts.size == 0
