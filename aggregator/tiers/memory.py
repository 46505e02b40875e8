"""L1: finished views in this process, bounded in bytes, found by address and expelled by tag."""

from collections.abc import Callable, Collection, Iterable, Iterator
from weakref import WeakValueDictionary

from aggregator.model.held import Form, Held, hold
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from aggregator.model.screen import Screen
from aggregator.model.view import View
from cache_policies.eviction.eviction import Eviction

# Bytes that holding a view costs beside its body and address, and each tag of its own, and another form of it: measured
# as resident memory over 100,000 views of 0, 1 and 8 tags. A tag on two views or more costs 70 more.
VIEW_OVERHEAD = 500
TAG_OVERHEAD = 110
FORM_OVERHEAD = 400
# A view larger than this part of L1 would push out too many others to be worth its place.
LARGEST_SHARE = 10
# Charges are whole multiples of it, so that there are few different ones, and each is one object for all views.
_GRAIN = 64
# Views that are looked at in one step of a sweep.
_STEP = 100
# Tags are known by their hashes, of which two alike would expel a view too much: 60 bits are an int of 32 bytes.
_HASH = (1 << 60) - 1


class MemoryTier:
    """Address → view, with an index tag → views.

    A tag on more than `wide_after` views is wide, and so is every one of `common`: it is counted or not even that, and
    not indexed; its invalidation raises the ledger's barrier instead of expelling one by one, which would stall the
    event loop (docs/architecture.md).
    capacity: bytes, an estimate of the index's and the places' own included. find, touch: a look-up, and noting that
    what was found is used: the two steps of a hit, bound once.
    """

    def __init__(
        self,
        capacity: int,
        ledger: Ledger,
        eviction: Eviction[Held],
        common: Collection[str] = (),
        wide_after: int = 1_000,
    ) -> None:
        self.size = 0
        self.evictions = self.too_large = 0
        self._capacity = capacity
        self._ledger = ledger
        self._common = frozenset(common)
        self._eviction = eviction
        self._wide_after = wide_after
        # None of these is tracked by the garbage collector but the second of the index, which has few entries.
        self._views: dict[bytes, Held] = {}
        self._one: dict[int, Held] = {}
        self._some: dict[int, dict[Held, None]] = {}
        self._wide: dict[int, int] = {}
        self._charges: dict[int, int] = {}
        # By identity, and gone with the last who refers to them: equal is not enough, as what was withdrawn may be
        # declared again.
        self._refused: WeakValueDictionary[int, Screen] = WeakValueDictionary()
        self.find: Callable[[bytes], Held | None] = self._views.get
        self.touch: Callable[[Held], None] = self._eviction.touch

    def __len__(self) -> int:
        return len(self._views)

    def get(self, address: bytes) -> Held | None:
        """The view, noting its use; whether it may be used is for the caller to decide."""
        held = self.find(address)
        if held is not None:
            self.touch(held)
        return held

    def put(self, screen: Screen, address: bytes, view: View) -> Held | None:
        """Hold `view`; None where it is not held: overtaken, too large, older than the one held already, or of a
        screen whose views are not taken."""
        if not self.takes(screen):
            return None
        there = self.find(address)
        if there is not None and view.position < there.position:
            return None
        # Not held is what the ledger cannot prove: later invalidations only look for what they overtake themselves.
        if not self._ledger.current(view.tags, view.position):
            return None
        if there is not None:
            self.remove(there)
        own = sum(tag not in screen.common_tags for tag in view.tags)
        cost = self._charge(len(view.body) + len(address) + VIEW_OVERHEAD + TAG_OVERHEAD * own)
        if cost * LARGEST_SHARE > self._capacity:
            self.too_large += 1
            return None
        return self._add(hold(screen, address, view, cost))

    def add_form(self, held: Held, form: Form) -> bool:
        """Keep another form of a view's body; False where the view is not held any more, or grows too large by the
        form's bytes."""
        cost = self._charge(held.cost + len(form.body) + FORM_OVERHEAD)
        if self.find(held.key) is not held or (form.body and cost * LARGEST_SHARE > self._capacity):
            return False
        held.forms = {**(held.forms or {}), form.name: form}
        self.size += cost - held.cost
        self._eviction.resize(held, cost)
        self._make_room(0)
        return self.find(held.key) is held

    def remove(self, held: Held) -> None:
        """Let a view go, if it is held."""
        if self.find(held.key) is held:
            self._eviction.remove(held)
            self._drop(held)

    def takes(self, screen: Screen) -> bool:
        """Are views of the screen taken?"""
        return id(screen) not in self._refused

    def refuse(self, screens: Iterable[Screen]) -> None:
        """Take no views of these from now on."""
        self._refused.update((id(screen), screen) for screen in screens)

    def take(self, screens: Collection[Screen]) -> None:
        """Take views of these, which are all that there are from now on."""
        for screen in screens:
            self._refused.pop(id(screen), None)
        self._common = frozenset(tag for screen in screens for tag in screen.common_tags)

    def sweep(self) -> Iterator[None]:
        """Let go of the views that would not be taken any more, in steps that end where it yields."""
        for place, held in enumerate(list(self._views.values()), 1):
            if not self.takes(held.screen):
                self.remove(held)
            if place % _STEP == 0:
                yield

    def overtake(self, tag: str, position: Position) -> list[Held]:
        """An invalidation of `tag` at `position`: expel the views it overtakes, or raise the barrier to it.

        Compares positions, so that a view from a process that is ahead of this one stays. Returns what was expelled.
        """
        name = hash(tag) & _HASH
        if tag in self._common or name in self._wide:
            self._ledger.barrier = max(self._ledger.barrier, position)
            return []
        one = self._one.get(name)
        several = self._some.get(name, ()) if one is None else (one,)
        overtaken = [held for held in several if held.position < position]
        for held in overtaken:
            self.remove(held)
        return overtaken

    def carrying(self, tag: str) -> list[Held] | None:
        """The views with this tag; None where it is wide or common, so that they are not indexed by it."""
        name = hash(tag) & _HASH
        if tag in self._common or name in self._wide:
            return None
        one = self._one.get(name)
        return list(self._some.get(name, ())) if one is None else [one]

    def all(self) -> list[Held]:
        """Every view that is held now."""
        return list(self._views.values())

    def _charge(self, size: int) -> int:
        rounded = -(-size // _GRAIN) * _GRAIN
        return self._charges.setdefault(rounded, rounded)

    def _make_room(self, wanted: int) -> None:
        while self.size + wanted > self._capacity:
            self._drop(self._eviction.victim())
            self.evictions += 1

    def _add(self, held: Held) -> Held:
        self._make_room(held.cost)
        self._views[held.key] = held
        self._eviction.add(held)
        self.size += held.cost
        for name in _names(held):
            self._tie(name, held)
        return held

    def _drop(self, held: Held) -> None:
        del self._views[held.key]
        self.size -= held.cost
        for name in _names(held):
            self._untie(name, held)

    def _tie(self, name: int, held: Held) -> None:
        if name in self._wide:
            self._wide[name] += 1
        elif (some := self._some.get(name)) is not None:
            some[held] = None
            self._widen(name, some)
        elif (one := self._one.setdefault(name, held)) is not held:
            del self._one[name]
            self._some[name] = some = {one: None, held: None}
            self._widen(name, some)

    def _widen(self, name: int, some: Collection[Held]) -> None:
        if len(some) > self._wide_after:
            del self._some[name]
            self._wide[name] = len(some)

    def _untie(self, name: int, held: Held) -> None:
        if name in self._wide:
            self._wide[name] -= 1
            if not self._wide[name]:
                del self._wide[name]
        elif (some := self._some.get(name)) is not None:
            some.pop(held, None)
            if not some:
                del self._some[name]
        else:
            self._one.pop(name, None)


def _names(held: Held) -> set[int]:
    """Each once, as two tags of a view may have one hash: a wide name counts views."""
    return {hash(tag) & _HASH for tag in held.own_tags}
