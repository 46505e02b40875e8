"""Connections are counted by client, so that one client does not take all there may be."""

from collections import Counter

from aggregator.http.clients import Clients
from aggregator.networks import counted_as


class Connections:
    """most: of one client at a time; 0 = no bound. A declared proxy has those of many clients, and no bound.
    refused: how many were, by the setting that was reached, be it this one or another."""

    def __init__(self, most: int = 0, clients: Clients | None = None) -> None:
        self.refused: Counter[str] = Counter()
        self._most = most
        self._clients = clients or Clients()
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, peer: str) -> str | None:
        """The client that has one more until `end`; None where it may not. peer: the address at the other end."""
        if not self._most:
            return peer
        client = counted_as(peer)
        if self._open[client] >= self._most and not self._clients.is_proxy(peer):
            return None
        self._open[client] += 1
        return client

    def end(self, client: str) -> None:
        """One of its connections is over."""
        if not self._most:
            return
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]
