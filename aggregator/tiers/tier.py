"""The seam to L2: entries shared by the fleet, and the leases that let one process load for all."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position
from aggregator.model.turn import Began, Pace
from loaders.loader import Failed

# Seconds for which a failure is told to other processes. Less than the second for which L1 holds an answer with a
# failed part (engine/compose): who asks when that ends would find it still told, and hold the next one as long again.
FAILURE_TERM = 0.9


class TierUnavailable(Exception):
    """L2 did not answer in time, or not at all; the caller goes on without it."""


class Moving(TierUnavailable):
    """L2 answers, but these keys are on their way from one node of a Cluster to another; likewise."""


class Lease(msgspec.Struct, frozen=True):
    """The right to load one key, until it runs out. `token` is unlike any other lease's."""

    key: Key
    token: bytes
    position: Position


class Claim(msgspec.Struct, frozen=True):
    """What came of asking for a lease.

    lease: mine, or None while another process holds it.
    entry: what L2 holds, read in the same step.
    failure: what the last holder met, while it is still shared; then there is no lease.
    unshared: what the last holder was answered is of use to nobody else; for as long, each loads for itself.
    """

    lease: Lease | None
    entry: Entry | None
    failure: Failed | None = None
    unshared: bool = False


class SharedTier(Protocol):
    """L2. Futures, so that who asks may be called back instead of keeping a task; each raises TierUnavailable and
    nothing else. Anything off about an entry is a miss."""

    def read(self, keys: Sequence[Key]) -> "asyncio.Future[list[Entry | None]]":
        """The entries of the keys, in their order; reads of one event-loop tick go out together."""

    def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> "asyncio.Future[Claim]":
        """Try to become the one who loads `key`, noting that the load begins at `position`.

        A lease whose position is lower than `known_tags_overtook` is taken over: its load began before an
        invalidation of the key's known tags, so that its result would be of no use. unless_held: an entry that L2
        holds is given and nothing is claimed, so that looking and claiming are one step where it holds none.
        """

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        """Extend a lease by its full term; False if it is no longer mine."""

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """Keep the entry for as long as its lifetime says, and give the lease back.

        Refused (False) where a higher position is kept already, where the lease is no longer mine, and without one
        while another process holds it.
        """

    def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> "asyncio.Future[None]":
        """Give the lease back without an entry. A failure, or that the answer is for nobody else, is told to who asks
        within the next second: others would wait in turn for what none of them can use."""

    def take_turn(self, name: str, pace: Pace, began: Began | None = None) -> "asyncio.Future[float]":
        """Take the fleet's next turn of this name. 0 where it is taken, else the seconds after which to ask again; or
        ANOTHER where somebody has begun, late enough, what it is for."""

    async def close(self) -> None:
        """Give back the connections."""
