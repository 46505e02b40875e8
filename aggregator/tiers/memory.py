"""L1: finished views in this process, bounded in bytes, found by identity and expelled by tag."""

from typing import Generic, Protocol, TypeVar

from aggregator.model.ledger import Ledger
from aggregator.model.position import Position
from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.lru import Lru
from cache_policies.eviction.node import Node

# Bytes that holding a view costs beside its body and identity, measured with tracemalloc on CPython 3.11 over 5,000
# views of 0, 8 and 24 tags each: the view's own fields, its dictionary and eviction slots; for a tag, its string and,
# as most tags are on one view or a few, a set of its own in the index.
VIEW_OVERHEAD = 1_100
TAG_OVERHEAD = 310
# A view larger than this part of L1 would push out too many others to be worth its place.
LARGEST_SHARE = 8


class Held(Protocol):
    """What L1 needs of a view; tags and size do not change while it is held, the position may rise."""

    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def position(self) -> Position: ...
    @property
    def size(self) -> int: ...


V = TypeVar("V", bound=Held)


class _Place(Node, Generic[V], kw_only=True, gc=False, eq=False):
    view: V


class MemoryTier(Generic[V]):
    """Identity → view, with an index tag → identities.

    A tag on more than `wide_after` views is wide: it is counted, not indexed, and its invalidation raises the
    ledger's barrier instead of expelling one by one, which would stall the event loop (docs/architecture.md).
    capacity: bytes, an estimate of the index's and the places' own included.
    """

    def __init__(
        self, capacity: int, ledger: Ledger, wide_after: int = 1_000, eviction: Eviction[_Place[V]] | None = None
    ) -> None:
        self.size = 0
        self.evictions = 0
        self._capacity = capacity
        self._ledger = ledger
        self._wide_after = wide_after
        self._eviction: Eviction[_Place[V]] = Lru() if eviction is None else eviction
        self._places: dict[bytes, _Place[V]] = {}
        self._index: dict[str, set[bytes]] = {}
        self._wide: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def get(self, identity: bytes) -> V | None:
        """The view, noting its use; whether it may be used is for the caller to decide."""
        place = self._places.get(identity)
        if place is None:
            return None
        self._eviction.touch(place)
        return place.view

    def put(self, identity: bytes, view: V) -> bool:
        """Hold `view`; False where it is not held: overtaken, too large, or older than the one held already."""
        held = self._places.get(identity)
        if held is not None and view.position < held.view.position:
            return False
        # Not held is what the ledger cannot prove: later invalidations only look for what they overtake themselves.
        if not self._ledger.current(view.tags, view.position):
            return False
        self.remove(identity)
        charge = _charge(identity, view)
        if charge * LARGEST_SHARE > self._capacity:
            return False
        self._make_room(charge)
        self._add(_Place(key=identity, cost=charge, view=view))
        return True

    def remove(self, identity: bytes) -> None:
        """Let a view go, if it is held."""
        place = self._places.get(identity)
        if place is not None:
            self._eviction.remove(place)
            self._drop(place)

    def overtake(self, tag: str, position: Position) -> int:
        """An invalidation of `tag` at `position`: expel the views it overtakes, or raise the barrier to it.

        Compares positions, so that a view from a process that is ahead of this one stays. Returns how many went.
        """
        if tag in self._wide:
            self._ledger.barrier = max(self._ledger.barrier, position)
            return 0
        overtaken = [
            identity for identity in self._index.get(tag, ()) if self._places[identity].view.position < position
        ]
        for identity in overtaken:
            self.remove(identity)
        return len(overtaken)

    def _make_room(self, charge: int) -> None:
        while self.size + charge > self._capacity:
            self._drop(self._eviction.victim())
            self.evictions += 1

    def _add(self, place: _Place[V]) -> None:
        self._places[place.key] = place
        self._eviction.add(place)
        self.size += place.cost
        for tag in set(place.view.tags):
            self._tie(tag, place.key)

    def _drop(self, place: _Place[V]) -> None:
        del self._places[place.key]
        self.size -= place.cost
        for tag in set(place.view.tags):
            self._untie(tag, place.key)

    def _tie(self, tag: str, identity: bytes) -> None:
        if tag in self._wide:
            self._wide[tag] += 1
            return
        identities = self._index.setdefault(tag, set())
        identities.add(identity)
        if len(identities) > self._wide_after:
            self._wide[tag] = len(self._index.pop(tag))

    def _untie(self, tag: str, identity: bytes) -> None:
        if tag in self._wide:
            self._wide[tag] -= 1
            if not self._wide[tag]:
                del self._wide[tag]
            return
        identities = self._index[tag]
        identities.remove(identity)
        if not identities:
            del self._index[tag]


def _charge(identity: bytes, view: Held) -> int:
    """The bytes that holding `view` costs, estimated high rather than low."""
    return view.size + len(identity) + VIEW_OVERHEAD + TAG_OVERHEAD * len(view.tags) + sum(map(len, view.tags))
