"""Networks are written as CIDRs, and what belongs to one is told by its address."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from aggregator.units import shown

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
# Bits of `::ffff:0:0`, behind which an IPv4 address is written as IPv6's (RFC 4291, section 2.5.5.2).
_MAPPED_PREFIX = 96


def address_of(text: str) -> Address | None:
    """The address that is written so, None where it is none; an IPv4 one also where it is written as IPv6's
    (`::ffff:192.0.2.1`)."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def counted_as(text: str) -> str:
    """What a client counts as by its address: that address, or of IPv6 its /64, of which one client has all."""
    address = address_of(text)
    return f"{address.exploded[:19]}::/64" if isinstance(address, IPv6Address) else str(address or text)


def _parsed(given: Any) -> tuple[Network, ...]:
    texts = given.split(",") if isinstance(given, str) else given
    if not isinstance(texts, Iterable):
        raise ValueError(f"expected networks, not {shown(given)}")
    return tuple(_network(text) for text in texts)


def _network(text: Any) -> Network:
    try:
        return _of_mapped(text if isinstance(text, Network) else ip_network(str(text).strip()))
    except ValueError as error:
        raise ValueError(f'expected networks such as "10.0.0.0/8" or "2001:db8::/32": {error}') from None


def _of_mapped(network: Network) -> Network:
    """One of IPv4 that is written as IPv6's, as IPv4's, as its addresses are. A shorter prefix than theirs leaves bits
    of it in the host's part, and is no network."""
    first = network.network_address
    mapped = first.ipv4_mapped if isinstance(first, IPv6Address) else None
    return network if mapped is None else IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))


# By commas in a flag or a variable, a list in a file.
Networks = Annotated[
    tuple[Network, ...],
    BeforeValidator(_parsed),
    PlainSerializer(lambda networks: [str(network) for network in networks], return_type=list[str], when_used="json"),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "examples": [["10.0.0.0/8"]]}),
]
