"""A client is known by its address: that of its connection, or the one that a declared proxy says it comes from."""

import re
from collections.abc import Iterable, Mapping, Sequence

from aggregator.networks import Network, address_of

# A parameter of RFC 7239, section 4: a token, or a text in quotes. Commas part elements, also where a client has left a
# quote open in front of what a proxy adds.
_PAIR = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:\"([^\"\\]*)\"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))\s*")
# An address as proxies write it, perhaps with a port behind it.
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([0-9A-Fa-f:.]+)")


class Clients:
    """proxies: networks of those that are believed. header: the field in which they say where a request comes from,
    "x-forwarded-for" or "forwarded" (RFC 7239); the other one is not read, as a proxy that writes one hands on whatever
    a client has put into the other."""

    def __init__(self, proxies: Sequence[Network] = (), header: str = "x-forwarded-for") -> None:
        self._proxies = proxies
        self._header = header.encode()
        self._nodes = _of_forwarded if header == "forwarded" else _of_x_forwarded_for

    def is_proxy(self, text: str) -> bool:
        """Is it the address of a declared proxy?"""
        address = address_of(text) if self._proxies else None
        return address is not None and any(address in network for network in self._proxies)

    def of(self, peer: str, headers: Mapping[bytes, bytes]) -> str:
        """The address of who asks: the last one, from this service outwards, that is no declared proxy's. What stands
        before it is anybody's word, and behind something that is no address nothing is believed.

        peer: the other end of the connection."""
        client = peer
        for node in self._nodes(headers.get(self._header, b"").decode("latin-1")) if self.is_proxy(peer) else ():
            if node is None:
                break
            client = node
            if not self.is_proxy(node):
                break
        return client


def _of_x_forwarded_for(field: str) -> Iterable[str | None]:
    """The addresses, the last one first; None for what is none."""
    return (_address(element.strip()) for element in reversed(field.split(",")))


def _of_forwarded(field: str) -> Iterable[str | None]:
    return (_for(element) for element in reversed(field.split(",")))


def _for(element: str) -> str | None:
    pairs = [_PAIR.fullmatch(pair) for pair in element.split(";")]
    named = {pair[1].lower(): pair[2] or pair[3] or "" for pair in pairs if pair}
    return _address(named.get("for", "")) if all(pairs) and len(named) == len(pairs) else None


def _address(node: str) -> str | None:
    found = _NODE.fullmatch(node)
    address = address_of(found[1] or found[2] or found[3]) if found else None
    return None if address is None else str(address)
