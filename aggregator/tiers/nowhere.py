"""Nowhere is an L2 that holds nothing and keeps nothing, for whoever has to ask the MBUs themselves."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from aggregator.model.entry import Entry
from aggregator.model.keys import Key
from aggregator.model.position import Position
from aggregator.model.turn import Began, Pace
from aggregator.tiers.tier import Claim, Lease
from loaders.loader import Failed

T = TypeVar("T")


class Nowhere:
    """A SharedTier. There are no leases: everybody may load for himself."""

    def read(self, keys: Sequence[Key]) -> "asyncio.Future[list[Entry | None]]":
        """Nothing, of each."""
        return _done([None] * len(keys))

    def claim(
        self, key: Key, position: Position, known_tags_overtook: Position | None = None, unless_held: bool = False
    ) -> "asyncio.Future[Claim]":
        """What is loaded is for nobody else."""
        return _done(Claim(None, None, unshared=True))

    def renew(self, lease: Lease) -> "asyncio.Future[bool]":
        """No."""
        return _done(False)

    def store(self, key: Key, entry: Entry, lease: Lease | None = None) -> "asyncio.Future[bool]":
        """Refused."""
        return _done(False)

    def release(self, lease: Lease, failure: Failed | None = None, unshared: bool = False) -> "asyncio.Future[None]":
        """Nobody is told."""
        return _done(None)

    def take_turn(self, name: str, pace: Pace, began: Began | None = None) -> "asyncio.Future[float]":
        """It is always one's turn."""
        return _done(0.0)

    async def close(self) -> None:
        """Nothing is held."""


def _done(result: T) -> "asyncio.Future[T]":
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    done.set_result(result)
    return done
