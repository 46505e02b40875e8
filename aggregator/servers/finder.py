"""A finder knows whom to ask where a server is; it is asked whenever a connection is made."""

import asyncio
from typing import Protocol

from aggregator.servers.cluster import SlotOwner
from aggregator.servers.sentinel import Sentinels
from aggregator.servers.url import Address, RedisUrl


class Finder(Protocol):
    """last: what was found last, None before, and after it was wrong; whoever is connected elsewhere connects anew."""

    last: Address | None

    @property
    def due(self) -> bool:
        """Is what was found last to be found again, though who is connected there is answered?"""

    async def find(self) -> Address:
        """The address of the server. ConnectionError where nobody says it, with what each said instead."""

    def find_blocking(self) -> Address:
        """The same without an event loop."""


class Joined:
    """A `Finder` that asks another, and once only for all who ask while it is being asked."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._finding: asyncio.Task[Address] | None = None

    @property
    def last(self) -> Address | None:
        """As in `Finder`."""
        return self._finder.last

    @last.setter
    def last(self, address: Address | None) -> None:
        self._finder.last = address

    @property
    def due(self) -> bool:
        """As in `Finder`."""
        return self._finder.due

    async def find(self) -> Address:
        """As in `Finder`."""
        if self._finding is None or self._finding.done():
            self._finding = asyncio.ensure_future(self._finder.find())
        return await asyncio.shield(self._finding)  # who gives up leaves it to the others

    def find_blocking(self) -> Address:
        """As in `Finder`."""
        return self._finder.find_blocking()


def finder_of(url: RedisUrl, within: float, key: str = "") -> Finder | None:
    """None where the URL says the address itself. within: seconds for asking. key: of a Cluster, whose master is meant;
    all are without one."""
    if url.kind == "cluster":
        return Joined(SlotOwner(url.asked, key, within)) if key else None
    return Joined(Sentinels(url.asked, url.service, within)) if url.kind == "sentinel" else None
