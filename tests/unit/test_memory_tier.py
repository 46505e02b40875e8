"""L1: bounded in bytes, expelled by tag, never going back."""

import gc
import random
from typing import Any

import pytest

import aggregator.tiers.memory
from aggregator.model.held import Form, Held
from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN, Position, position_of
from aggregator.model.screen import Slot
from aggregator.model.view import View
from aggregator.tiers.memory import FORM_OVERHEAD, LARGEST_SHARE, TAG_OVERHEAD, VIEW_OVERHEAD, MemoryTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Moments, Timing
from tests.world import fragment, screen


def at(ms: int) -> Position:
    """The position `ms` of one epoch."""
    return position_of(1, ms, 0)


HOME = screen(Slot("feed", fragment("feed")))
# What the largest views are charged in an L1 of so many bytes; a whole multiple of what charges are rounded to.
LARGEST = 6_400
CAPACITY = LARGEST * LARGEST_SHARE


def sized(address: bytes, cost: int) -> int:
    """Bytes of a body whose view is charged so many."""
    return cost - VIEW_OVERHEAD - len(address)


class Tier(MemoryTier):
    """An L1 of 1 MiB, of views of one screen without common tags but those of every view."""

    def __init__(self, capacity: int = 1 << 20, wide_after: int = 1_000, ledger: Ledger | None = None) -> None:
        super().__init__(
            capacity, Ledger() if ledger is None else ledger, Lru(), HOME.common_tags, wide_after=wide_after
        )

    def hold(self, address: bytes, tags: tuple[str, ...] = (), position: Position = ORIGIN, size: int = 0) -> Any:
        """Put a view with these tags and so many bytes."""
        moments = Moments(100.0, 100.0, 100.0)
        timing = Timing(0.0, Lifetime(100.0))
        return self.put(HOME, address, View(200, b"x" * size, b"0" * 32, tags, position, timing, moments, 0.0))

    def fill(self, cost: int) -> list[Any]:
        """Put as many views as there is room for, each charged so many bytes, at `0` and on."""
        names = [b"%d" % number for number in range((self._capacity - self.size) // cost)]
        views = [self.hold(name, size=sized(name, cost)) for name in names]
        assert {held.cost for held in views} == {cost}
        return views

    def let_go(self, address: bytes) -> None:
        """Take a view out, if it is there."""
        if held := self.find(address):
            self.remove(held)


def test_what_was_put_is_found():
    """And nothing else."""
    l1 = Tier()
    view = l1.hold(b"a")
    assert view
    assert l1.get(b"a") is view
    assert l1.get(b"b") is None


def test_a_lower_position_does_not_replace_a_higher_one():
    """L1 never goes back; an equal position replaces."""
    l1 = Tier()
    newer = l1.hold(b"a", position=at(2))
    assert not l1.hold(b"a", position=at(1))
    assert l1.get(b"a") is newer
    equal = l1.hold(b"a", position=at(2))
    assert l1.get(b"a") is equal is not newer
    assert len(l1) == 1


def test_the_position_is_read_where_it_stands_now():
    """A view that was proved again at a later position is not expelled by what came before."""
    l1 = Tier()
    view = l1.hold(b"a", ("t",), at(1))
    view.position = at(5)
    assert len(l1.overtake("t", at(3))) == 0
    assert len(l1.overtake("t", at(6))) == 1


def test_an_invalidation_expels_what_it_overtakes():
    """Views of the tag with a lower position go; those of a process that is ahead, and of other tags, stay."""
    l1 = Tier()
    l1.hold(b"old", ("t", "u"), at(1))
    l1.hold(b"same", ("t",), at(2))
    l1.hold(b"ahead", ("t",), at(3))
    l1.hold(b"other", ("u",), at(1))
    assert len(l1.overtake("t", at(2))) == 1
    assert [l1.get(name) is not None for name in (b"old", b"same", b"ahead", b"other")] == [False, True, True, True]


def test_what_the_ledger_has_overtaken_does_not_enter():
    """A view that was composed before an invalidation, and arrives after it, is refused."""
    ledger = Ledger()
    ledger.apply(at(2), ["t"])
    l1 = Tier(ledger=ledger)
    assert not l1.hold(b"a", ("t",), at(1))
    assert l1.hold(b"a", ("t",), at(2))


def test_what_is_below_the_floor_does_not_enter():
    """Nothing is known of the invalidations between it and the floor."""
    ledger = Ledger()
    ledger.raise_floor(at(5))
    assert not Tier(ledger=ledger).hold(b"a", ("t",), at(4))


def test_r26_a_wide_tag_raises_the_barrier():
    """A tag on more than `wide_after` views expels nothing: the barrier makes them prove themselves."""
    ledger = Ledger()
    l1 = Tier(wide_after=3, ledger=ledger)
    for name in (b"a", b"b", b"c", b"d"):
        l1.hold(name, ("wide",), at(1))
    assert len(l1.overtake("wide", at(7))) == 0
    assert len(l1) == 4
    assert ledger.barrier == at(7)


def test_the_barrier_never_falls():
    """An older invalidation of a wide tag leaves it where it is."""
    ledger = Ledger()
    ledger.barrier = at(9)
    l1 = Tier(wide_after=1, ledger=ledger)
    for name in (b"a", b"b"):
        l1.hold(name, ("wide",), at(1))
    l1.overtake("wide", at(7))
    assert ledger.barrier == at(9)


def test_a_tag_at_the_limit_is_still_indexed():
    """Wide is more than `wide_after`, not as many."""
    ledger = Ledger()
    l1 = Tier(wide_after=3, ledger=ledger)
    for name in (b"a", b"b", b"c"):
        l1.hold(name, ("t",), at(1))
    assert len(l1.overtake("t", at(7))) == 3
    assert ledger.barrier == ORIGIN


def test_a_wide_tag_that_nothing_carries_any_more_is_forgotten():
    """It begins again as a small one."""
    ledger = Ledger()
    l1 = Tier(wide_after=1, ledger=ledger)
    for name in (b"a", b"b"):
        l1.hold(name, ("t",), at(1))
    for name in (b"a", b"b"):
        l1.let_go(name)
    l1.hold(b"c", ("t",), at(1))
    assert len(l1.overtake("t", at(2))) == 1
    assert ledger.barrier == ORIGIN


def test_a_tag_named_twice_counts_once():
    """A view that repeats a tag is indexed and let go like any other."""
    l1 = Tier(wide_after=1)
    l1.hold(b"a", ("t", "t"), at(1))
    l1.hold(b"b", ("t", "t"), at(1))
    l1.let_go(b"a")
    l1.let_go(b"b")
    l1.hold(b"c", ("t",), at(1))
    assert len(l1.overtake("t", at(2))) == 1


def test_r41_the_least_recently_used_leaves_when_bytes_run_out():
    """A get is a use; evictions are counted."""
    l1 = Tier(CAPACITY)
    views = l1.fill(LARGEST)
    assert (l1.size, l1.evictions) == (CAPACITY, 0)
    l1.get(b"0")
    l1.hold(b"a", size=sized(b"a", LARGEST))
    assert l1.get(b"0") is views[0]
    assert l1.get(b"1") is None
    assert l1.evictions == 1
    assert l1.size == CAPACITY


def test_an_evicted_view_leaves_the_index():
    """An invalidation after the eviction finds nothing."""
    l1 = Tier(CAPACITY)
    for number in range(100):
        name = b"%02d" % number
        assert l1.hold(name, ("t",), at(1), sized(name, LARGEST - TAG_OVERHEAD))
    assert l1.evictions == 100 - LARGEST_SHARE
    assert len(l1.overtake("t", at(2))) == LARGEST_SHARE
    assert len(l1) == 0


def test_r32_a_view_too_large_is_not_held():
    """More than its share of L1 is not admitted, and counted; what it would have replaced is not served on."""
    l1 = Tier(CAPACITY)
    assert l1.hold(b"a", size=sized(b"a", LARGEST))
    assert l1.too_large == 0
    assert not l1.hold(b"a", size=sized(b"a", LARGEST) + 1)
    assert l1.too_large == 1
    assert l1.get(b"a") is None
    assert l1.size == 0


def test_a_tag_is_on_one_view_or_on_some_or_it_is_wide() -> None:
    """In one place at a time; and from the view after `wide_after` on it is only counted."""
    l1 = Tier(wide_after=2)
    places = []
    for number in range(4):
        l1.hold(b"%d" % number, ("t",), at(1))
        places.append((len(l1._one), len(l1._some), list(l1._wide.values())))
    assert places == [(1, 0, []), (0, 1, []), (0, 0, [3]), (0, 0, [4])]


def test_what_is_left_of_some_is_still_found() -> None:
    """Of two views the one that stays, though the tag is on one view only."""
    l1 = Tier()
    l1.hold(b"a", ("t",), at(1))
    l1.hold(b"b", ("t",), at(1))
    l1.let_go(b"a")
    assert len(l1.overtake("t", at(2))) == 1
    assert len(l1) == 0


def test_a_common_tag_is_not_indexed_and_raises_the_barrier() -> None:
    """Also where no view is held that has it."""
    for tag in HOME.common_tags:
        ledger = Ledger()
        l1 = Tier(ledger=ledger)
        l1.hold(b"a", tuple(HOME.common_tags), at(1))
        assert (l1._one, l1._some, l1._wide) == ({}, {}, {})
        assert len(l1.overtake(tag, at(5))) == 0
        assert (len(l1), ledger.barrier) == (1, at(5))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("mask", [0, 1, 3])
def test_tags_of_one_hash_expel_too_much_and_never_too_little(
    seed: int, mask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they are on one view: what an invalidation overtakes is gone, or below the barrier."""
    print("seed", seed)
    chance = random.Random(seed)
    monkeypatch.setattr(aggregator.tiers.memory, "_HASH", mask)
    ledger = Ledger()
    l1 = Tier(wide_after=chance.choice([1, 2, 4]), ledger=ledger)
    for step in range(300):
        name, tag = b"%d" % chance.randrange(12), f"t{chance.randrange(6)}"
        match chance.randrange(6):
            case 0:
                l1.let_go(name)
            case 1:
                l1.overtake(tag, at(step))
                carrying = [held for held in l1._views.values() if tag in held.own_tags]
                assert all(held.position >= at(step) or ledger.barrier >= at(step) for held in carrying)
            case _:
                l1.hold(name, tuple(f"t{chance.randrange(6)}" for _ in range(chance.randrange(4))), at(step))
    for name in [*l1._views]:
        l1.let_go(name)
    assert (l1._one, l1._some, l1._wide) == ({}, {}, {})


def test_a_view_is_charged_for_its_own_tags_alone() -> None:
    """Those that all views of its screen have are kept nowhere."""
    l1 = Tier()
    without, common = l1.hold(b"a"), l1.hold(b"b", tuple(HOME.common_tags))
    own = l1.hold(b"c", (*HOME.common_tags, *(f"t{number}" for number in range(64))))
    assert without.cost == common.cost == own.cost - 64 * TAG_OVERHEAD


def test_what_a_view_is_charged_is_the_same_object_for_all() -> None:
    """Of few sizes, so that it takes no room of its own."""
    l1 = Tier()
    one, other = l1.hold(b"a", size=5_000), l1.hold(b"b", size=5_001)
    assert one.cost is other.cost
    assert one.cost % 64 == 0


def form(size: int, name: str = "zstd") -> Form:
    """A form with a body of so many bytes."""
    return Form(name, b"x" * size)


def test_a_form_is_charged_to_its_view() -> None:
    """And goes with it."""
    l1 = Tier()
    held = l1.hold(b"a", size=1_000)
    before = l1.size
    assert l1.add_form(held, form(640))
    assert l1.add_form(held, form(0, "br"))
    assert [*held.forms] == ["zstd", "br"]
    assert 640 + 2 * FORM_OVERHEAD <= held.cost - before <= 640 + 2 * (FORM_OVERHEAD + 63)
    assert l1.size == held.cost == l1._eviction._queue.size
    l1.remove(held)
    assert (l1.size, l1._eviction._queue.size) == (0, 0)


def test_a_form_pushes_out_what_was_unused_for_longest() -> None:
    """As a view does; evictions are counted."""
    l1 = Tier(CAPACITY)
    views = l1.fill(LARGEST // 2)
    assert l1.add_form(views[-1], form(1_500))
    assert l1.size <= CAPACITY
    assert (l1.find(b"0"), l1.evictions, len(l1)) == (None, 1, len(views) - 1)


def test_a_form_that_pushes_out_its_own_view_is_not_kept() -> None:
    """It says so, and the books balance."""
    l1 = Tier(CAPACITY)
    views = l1.fill(LARGEST // 2)
    assert not l1.add_form(views[0], form(1_500))
    assert (l1.find(b"0"), l1.evictions) == (None, 1)
    assert l1.size == sum(held.cost for held in l1._views.values())


def test_a_form_that_makes_its_view_too_large_is_not_kept() -> None:
    """The view stays as it was; with a byte less it is not too large."""
    l1 = Tier(CAPACITY)
    cost = LARGEST // 2
    held, most = l1.hold(b"a", size=sized(b"a", cost)), LARGEST - cost - FORM_OVERHEAD
    assert not l1.add_form(held, form(most + 1))
    assert (held.forms, held.cost, l1.size) == (None, cost, cost)
    assert l1.find(b"a") is held
    assert l1.add_form(held, form(most))
    assert held.cost == l1.size == LARGEST


def test_a_form_of_a_view_that_is_gone_is_not_kept() -> None:
    """Nor of one that another has replaced."""
    l1 = Tier()
    old = l1.hold(b"a")
    new = l1.hold(b"a")
    assert not l1.add_form(old, form(10))
    assert (old.forms, new.forms, l1.size) == (None, None, new.cost)
    l1.remove(new)
    assert not l1.add_form(new, form(10))
    assert l1.size == 0


def test_the_garbage_collector_walks_over_no_view() -> None:
    """Nor over the two dicts that have an entry for each, and for each tag that one view has."""
    l1 = Tier(wide_after=3)
    for number in range(50):
        held = l1.hold(b"%d" % number, (f"own{number}", f"two{number // 2}", "wide"))
        l1.add_form(held, form(number))
    assert l1._one
    assert l1._some
    assert l1._wide
    assert not any(map(gc.is_tracked, (l1._views, l1._one, l1._wide, l1._charges, *l1._some.values())))
    assert not any(gc.is_tracked(found) for held in l1._views.values() for found in (held, held.forms))


@pytest.mark.parametrize("seed", range(5))
def test_the_books_balance_after_anything(seed: int):
    """After any sequence of operations size is within bounds, and letting everything go leaves nothing behind."""
    print("seed", seed)
    chance = random.Random(seed)
    l1 = Tier(capacity=60_000, wide_after=4)
    known: list[Held] = []
    for step in range(3_000):
        identity, tag = b"%d" % chance.randrange(40), f"t{chance.randrange(8)}"
        match chance.randrange(7):
            case 0:
                l1.let_go(identity)
            case 1:
                l1.overtake(tag, at(100 + step - chance.randrange(50)))
            case 2:
                l1.get(identity)
            case 3:
                known.extend(filter(None, [l1.find(identity)]))
                if known:
                    l1.add_form(chance.choice(known), form(chance.randrange(3_000), chance.choice("abc")))
            case _:
                tags = tuple(f"t{chance.randrange(8)}" for _ in range(chance.randrange(5)))
                l1.hold(identity, tags, at(100 + step - chance.randrange(20)), chance.randrange(4_000))
        assert l1.size <= 60_000
        assert l1.size == sum(held.cost for held in l1._views.values()) == l1._eviction._queue.size
    for number in range(40):
        l1.let_go(b"%d" % number)
    assert (len(l1), l1.size) == (0, 0)
    assert (l1._one, l1._some, l1._wide) == ({}, {}, {})
