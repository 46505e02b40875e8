"""L1 against a dictionary: whatever is put, removed and invalidated, it holds what its rules plainly read say."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from aggregator.model.held import Held
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position, position_of
from aggregator.model.screen import Slot
from aggregator.model.view import View
from aggregator.tiers.memory import MemoryTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Moments, Timing
from tests.scale import scale
from tests.world import fragment, screen

HOME = screen(Slot("feed", fragment("feed")))
WIDE_AFTER = 2
addresses = st.sampled_from([b"a", b"b", b"c", b"d"])
tags = st.sampled_from(["s", "t", "u"])
positions = st.integers(1, 20).map(lambda ms: position_of(1, ms, 0))


class Modelled(RuleBasedStateMachine):
    """An L1 with room for all; `model` is what it should hold: address → tags, position."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.l1 = MemoryTier(1 << 20, self.ledger, Lru[Held](), HOME.common_tags, WIDE_AFTER)
        self.model: dict[bytes, tuple[frozenset[str], Position]] = {}
        self.last: dict[str, Position] = {}
        self.wide: set[str] = set()

    @rule(address=addresses, own=st.sets(tags), position=positions)
    def put(self, address: bytes, own: set[str], position: Position) -> None:
        """Neither what was overtaken nor what is older than what is there."""
        older = address in self.model and position < self.model[address][1]
        wanted = not older and all(self.last.get(tag, position) <= position for tag in own)
        timing, moments = Timing(0.0, Lifetime(100.0)), Moments(100.0, 100.0, 100.0)
        view = View(200, b"{}", b"0" * 32, tuple(own), position, timing, moments, 0.0)
        assert (self.l1.put(HOME, address, view) is not None) == wanted
        if wanted:
            self._let_go(address)
            self.model[address] = frozenset(own), position
            self.wide |= {tag for tag in own if len(self._carrying(tag)) > WIDE_AFTER}

    @rule(address=addresses)
    def remove(self, address: bytes) -> None:
        """Whether it is there or not."""
        if held := self.l1.get(address):
            self.l1.remove(held)
        self._let_go(address)

    @rule(tag=tags, position=positions)
    def invalidate(self, tag: str, position: Position) -> None:
        """As the log has it: no position comes before an earlier one's."""
        position = max(position, self.ledger.head)
        self.ledger.apply(position, [tag])
        self.last[tag] = position
        overtaken = {address for address in self._carrying(tag) if self.model[address][1] < position}
        expelled = {held.key for held in self.l1.overtake(tag, position)}
        if tag in self.wide:
            assert (expelled, self.ledger.barrier) == (set(), position)
            return
        assert expelled == overtaken
        for address in overtaken:
            self._let_go(address)

    @invariant()
    def what_is_held_is_what_the_model_holds(self) -> None:
        """By address, by tag, and in bytes."""
        held = self.l1.all()
        assert {one.key: (frozenset(one.own_tags), one.position) for one in held} == self.model
        assert (len(self.l1), self.l1.size) == (len(self.model), sum(one.cost for one in held))
        for tag in ("s", "t", "u"):
            found = self.l1.carrying(tag)
            assert (found is None) == (tag in self.wide)
            assert found is None or sorted(one.key for one in found) == self._carrying(tag)

    def _carrying(self, tag: str) -> list[bytes]:
        return sorted(address for address, (own, _) in self.model.items() if tag in own)

    def _let_go(self, address: bytes) -> None:
        self.model.pop(address, None)
        self.wide = {tag for tag in self.wide if self._carrying(tag)}


@pytest.mark.prove
def test_l1_is_a_plain_reading_of_its_rules() -> None:
    """Over sequences of up to 50 steps."""
    law = settings(max_examples=scale(100, 2_000), deadline=None, print_blob=True)
    run_state_machine_as_test(Modelled, settings=law)
