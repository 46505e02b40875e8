"""Whatever is added, used, removed and evicted in whatever order, an eviction algorithm's books are right."""

from collections import OrderedDict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cache_policies.eviction.choice import ALGORITHMS, chosen
from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.ghosts import Ghosts
from cache_policies.eviction.node import Node
from cache_policies.eviction.queue import Queue

CAPACITY = 20_000
keys = st.integers(0, 30).map(lambda at: b"%d" % at)


def queues(eviction: object) -> Iterator[Queue[Node]]:
    """All queues of an algorithm, also those of one that it wraps."""
    for part in vars(eviction).values():
        if isinstance(part, Queue):
            yield part
        elif hasattr(part, "victim"):
            yield from queues(part)


class Books(RuleBasedStateMachine):
    """A keeper of nodes, which knows itself what is kept."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.eviction: Eviction[Node] = chosen(name, CAPACITY)
        self.kept: dict[bytes, Node] = {}

    @rule(key=keys, cost=st.integers(1, CAPACITY // 8))
    def ask(self, key: bytes, cost: int) -> None:
        """A hit is touched; a miss is added after room was made."""
        if key in self.kept:
            self.eviction.touch(self.kept[key])
            return
        while self.bytes() + cost > CAPACITY:
            self.evict()
        self.kept[key] = Node(key=key, cost=cost)
        self.eviction.add(self.kept[key])

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Any node goes for another reason; at times the same comes back at once."""
        node = self.kept[data.draw(st.sampled_from(list(self.kept)))]
        self.eviction.remove(node)
        assert node.before is None
        assert node.after is None
        if data.draw(st.booleans()):
            self.eviction.add(node)
        else:
            del self.kept[node.key]

    @precondition(lambda self: self.kept)
    @rule()
    def evict(self) -> None:
        """The victim is one of those kept, and has no links any more."""
        victim = self.eviction.victim()
        assert self.kept.pop(victim.key) is victim
        assert victim.before is None
        assert victim.after is None

    @invariant()
    def every_node_is_in_one_queue_whose_bytes_add_up(self) -> None:
        """In both directions."""
        found = []
        for queue in queues(self.eviction):
            nodes = list(queue)
            assert queue.size == sum(node.cost for node in nodes)
            assert queue.newest is (nodes[-1] if nodes else None)
            assert [node.before for node in nodes] == [None, *nodes][: len(nodes)]
            found += nodes
        assert sorted(node.key for node in found) == sorted(self.kept)
        assert all(self.kept[node.key] is node for node in found)

    def bytes(self) -> int:
        """What is kept."""
        return sum(node.cost for node in self.kept.values())

    def teardown(self) -> None:
        """Everything can leave."""
        while self.kept:
            self.evict()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_books_are_right(name: str):
    """Of each algorithm."""
    run_state_machine_as_test(lambda: Books(name))


@given(st.lists(st.tuples(keys, st.integers(1, 300))), st.integers(1, 1_000))
def test_ghosts_are_a_queue_bounded_in_bytes(asked: list[tuple[bytes, int]], limit: int):
    """Equal to an ordered dictionary from which the oldest goes."""
    ghosts, model = Ghosts(limit, places=1_000), OrderedDict[bytes, int]()
    for key, cost in asked:
        assert ghosts.take(key) == (model.pop(key, None) is not None)
        ghosts.add(key, cost)
        model[key] = cost
        ghosts.trim()
        while sum(model.values()) > limit:
            model.popitem(last=False)
        assert ghosts.size == sum(model.values())
