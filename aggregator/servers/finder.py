"""A finder knows whom to ask where a server is; it is asked whenever a connection is made."""

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


def finder_of(url: RedisUrl, within: float, key: str = "") -> Finder | None:
    """None where the URL says the address itself. within: seconds for asking. key: of a Cluster, whose master is meant;
    all are without one."""
    if url.kind == "cluster":
        return SlotOwner(url.asked, key, within) if key else None
    return Sentinels(url.asked, url.service, within) if url.kind == "sentinel" else None
