"""Connections are counted by client, so that one client does not take all there may be."""

from collections import Counter
from math import inf

from aggregator.http.clients import Clients
from aggregator.networks import counted_as


class Connections:
    """most: of one client at a time; 0 = no bound. A declared proxy has those of many clients, and no bound."""

    def __init__(self, most: int = 0, clients: Clients | None = None) -> None:
        self._most = most or inf
        self._clients = clients or Clients()
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, peer: str) -> bool:
        """May this client have one more? Then it has, until `end`. peer: the address at the other end."""
        client = counted_as(peer)
        if self._open[client] >= self._most and not self._clients.is_proxy(peer):
            return False
        self._open[client] += 1
        return True

    def end(self, peer: str) -> None:
        """One of its connections is over."""
        client = counted_as(peer)
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]
