"""A breaker for each node of a Cluster: one that does not answer costs what lies on it, or is moving to it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from aggregator.clock import Monotonic
from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position
from aggregator.model.turn import Began, Pace
from aggregator.servers.slots import SlotMap
from aggregator.servers.url import Address
from aggregator.tiers.guarded import Guarded
from aggregator.tiers.tier import Claim, Lease, SharedTier
from loaders.loader import Failed


class GuardedNodes:
    """A SharedTier, guarded as by one `Guarded` for each node that `slots` knows. What of a read lies where nobody
    answers is a miss, if any of it is answered."""

    def __init__(
        self, slots: SlotMap, inner: SharedTier, monotonic: Monotonic, on_notice: Callable[[str, str], None]
    ) -> None:
        self._slots = slots
        self._inner = inner
        self._monotonic = monotonic
        self._on_notice = on_notice
        self._guards: dict[Address, Guarded] = {}

    @property
    def available(self) -> bool:
        """Did one of the last calls to each node that has slots get an answer?"""
        owners = self._slots.owners()
        return all(guard.available for node, guard in self._guards.items() if node in owners)

    @property
    def failed(self) -> int:
        """See Guarded."""
        return sum(guard.failed for guard in self._guards.values())

    def read(self, keys: Sequence[Key]) -> "asyncio.Future[list[Entry | None]]":
        """See SharedTier."""
        places: dict[Address, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            places[self._slots.owner(key.name)].append(place)
        if len(places) < 2:
            return self._at(keys[0].name).read(keys) if keys else self._inner.read(keys)
        parts = [(mine, self._guard(node).read([keys[place] for place in mine])) for node, mine in places.items()]
        return _joined(parts, len(keys))

    def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> "asyncio.Future[Claim]":
        """See SharedTier."""
        return self._at(key.name).claim(key, position, known_tags_overtook, unless_held)

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        """See SharedTier."""
        return self._at(lease.key.name).renew(lease)

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """See SharedTier."""
        return self._at(key.name).store(key, entry, lease)

    def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> "asyncio.Future[None]":
        """See SharedTier."""
        return self._at(lease.key.name).release(lease, failure, unshared)

    def take_turn(self, name: str, pace: Pace, began: Began | None = None) -> "asyncio.Future[float]":
        """See SharedTier."""
        return self._at(name).take_turn(name, pace, began)

    async def close(self) -> None:
        """Close the inner tier, whatever the breakers say."""
        await self._inner.close()

    def _at(self, name: str) -> Guarded:
        return self._guard(self._slots.owner(name))

    def _guard(self, node: Address) -> Guarded:
        if node not in self._guards:
            self._guards[node] = Guarded(self._inner, self._monotonic, on_notice=partial(self._notice, node))
        return self._guards[node]

    def _notice(self, node: Address, what: str, detail: str) -> None:
        self._on_notice(what, f"{node[0]}:{node[1]} {detail}".rstrip())


Part = tuple[list[int], "asyncio.Future[list[Entry | None]]"]


def _joined(parts: Sequence[Part], size: int) -> "asyncio.Future[list[Entry | None]]":
    """What the parts found, each at its places; the failure of one of them where all fail."""
    joined: asyncio.Future[list[Entry | None]] = asyncio.get_running_loop().create_future()
    found: list[Entry | None] = [None] * size
    left, failures = len(parts), 0

    def ended(places: list[int], part: "asyncio.Future[list[Entry | None]]") -> None:
        nonlocal left, failures
        left -= 1
        if error := part.exception():
            failures += 1
        else:
            for place, entry in zip(places, part.result(), strict=True):
                found[place] = entry
        if joined.done() or left:
            return
        if error and failures == len(parts):
            joined.set_exception(error)
        else:
            joined.set_result(found)

    for places, part in parts:
        part.add_done_callback(partial(ended, places))
    return joined
