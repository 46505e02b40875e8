"""A finder asks those who know where a server is, whenever a connection is made or the server was not the right one."""

import asyncio
from typing import Protocol

from aggregator.servers.cluster import SlotOwner
from aggregator.servers.sentinel import Sentinels
from aggregator.servers.url import Address, RedisUrl


class Directory(Protocol):
    """Knows where a server is."""

    @property
    def due(self) -> bool:
        """Is what was found last to be found again, though who is connected there is answered?"""

    async def find(self) -> Address:
        """The address of the server. ConnectionError where nobody says it, with what each said instead."""

    def find_blocking(self) -> Address:
        """The same without an event loop."""


class Finder:
    """What connections ask.

    last: what was found last, None before, and after it was wrong; whoever is connected elsewhere connects anew.
    """

    def __init__(self, directory: Directory) -> None:
        self.last: Address | None = None
        self._directory = directory
        self._finding: asyncio.Task[Address] | None = None

    @property
    def due(self) -> bool:
        """As in `Directory`."""
        return self._directory.due

    async def find(self) -> Address:
        """As in `Directory`; all who ask while one find is under way wait for that one."""
        if self._finding is None or self._finding.done():
            self._finding = asyncio.create_task(self._find())
        return await asyncio.shield(self._finding)  # who gives up leaves it to the others

    async def _find(self) -> Address:
        self.last = await self._directory.find()
        return self.last

    def find_blocking(self) -> Address:
        """As in `Directory`."""
        self.last = self._directory.find_blocking()
        return self.last


def finder_of(url: RedisUrl, within: float, key: str = "") -> Finder | None:
    """None where the URL says the address itself. within: seconds for asking. key: of a Cluster, whose master is meant;
    all are without one."""
    if url.kind == "cluster":
        return Finder(SlotOwner(url.asked, key, within)) if key else None
    return Finder(Sentinels(url.asked, url.service, within)) if url.kind == "sentinel" else None
