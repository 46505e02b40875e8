"""The client's address is its connection's, or the last that declared proxies tell and none of them has."""

from typing import Any

import pytest

from aggregator.commands.layers import load_settings
from aggregator.http.clients import Clients
from aggregator.mistakes import Mistaken
from aggregator.settings import Settings

NETWORKS = Settings(trusted_proxies="10.0.0.0/8, 2001:db8:f::/48").trusted_proxies  # type: ignore[arg-type]
PROXY, STRANGER = "10.0.0.1", "192.0.2.7"
LIES = "127.0.0.1, 10.9.9.9"

X_FORWARDED_FOR = [
    ("198.51.100.1", "198.51.100.1"),
    (f"{LIES}, 198.51.100.1", "198.51.100.1"),
    (f"{LIES}, 198.51.100.1, 10.0.0.2,10.0.0.3", "198.51.100.1"),
    ("198.51.100.1:4711", "198.51.100.1"),
    ("[2001:db8::1]:4711", "2001:db8::1"),
    ("2001:DB8::1, 2001:db8:f::2", "2001:db8::1"),
    ("::ffff:198.51.100.1", "198.51.100.1"),
    ("198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
    ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
    # Behind what is no address nothing is believed: the last proxy that is known stands for who asks.
    ("198.51.100.1, unknown", PROXY),
    ("198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
    ("198.51.100.1,", PROXY),
    ("", PROXY),
    ("999.1.1.1", PROXY),
    ("a" * 8_000, PROXY),
]
FORWARDED = [
    ("for=198.51.100.1", "198.51.100.1"),
    ('for=127.0.0.1, FOR="198.51.100.1:4711";proto=https;by=10.0.0.1, for=10.0.0.2', "198.51.100.1"),
    ('for="[2001:db8::1]:4711"; host=a.example', "2001:db8::1"),
    ("for=198.51.100.1, for=_hidden", PROXY),
    ("for=198.51.100.1, for=unknown, for=10.0.0.2", "10.0.0.2"),
    ("for=198.51.100.1, proto=https", PROXY),
    ("for=127.0.0.1;for=127.0.0.2", PROXY),
    ("for=127.0.0.1;", PROXY),
    # A client's open quote does not swallow what the proxy adds.
    ('for="127.0.0.1, for=198.51.100.1', "198.51.100.1"),
    ('for="127.0.0.1", for=198.51.100.1;host="a', PROXY),
]


@pytest.mark.parametrize(("said", "client"), X_FORWARDED_FOR)
def test_a_declared_proxy_is_believed(said: str, client: str) -> None:
    """In the field that it is declared to write, and in no other; from anybody else it is nobody's word."""
    fields = {b"x-forwarded-for": said.encode(), b"forwarded": b"for=203.0.113.9", b"x-real-ip": b"203.0.113.9"}
    clients = Clients(NETWORKS)
    assert clients.of(PROXY, fields) == client
    assert clients.of(STRANGER, fields) == STRANGER
    assert Clients().of(PROXY, fields) == PROXY


@pytest.mark.parametrize(("said", "client"), FORWARDED)
def test_so_is_one_that_writes_forwarded(said: str, client: str) -> None:
    """RFC 7239; X-Forwarded-For is not read then."""
    fields = {b"forwarded": said.encode(), b"x-forwarded-for": b"203.0.113.9"}
    clients = Clients(NETWORKS, "forwarded")
    assert clients.of(PROXY, fields) == client
    assert clients.of(STRANGER, fields) == STRANGER


@pytest.mark.parametrize("given", ["10.0.0.1/8", "10.0.0.0/33", "proxy.example", "", "10.0.0.0/8;::1", "::ffff:0:0/95"])
def test_what_is_no_network_is_refused(given: str) -> None:
    """With what one looks like."""
    with pytest.raises(Mistaken, match=r'trusted_proxies: expected networks such as "10\.0\.0\.0/8"'):
        load_settings({}, {}, _service([given]), "screens.toml")
    if given:
        with pytest.raises(Mistaken, match="AGGREGATOR_TRUSTED_PROXIES: expected networks"):
            load_settings({}, {"AGGREGATOR_TRUSTED_PROXIES": given})


def test_a_list_in_the_file_and_a_text_in_a_variable_are_the_same() -> None:
    """And one address is a network of one."""
    said = Settings.model_validate({"trusted_proxies": ["10.0.0.0/8", "::1"]})
    assert load_settings({}, {}, said) == load_settings({}, {"AGGREGATOR_TRUSTED_PROXIES": "10.0.0.0/8,::1/128"})


def test_a_network_of_ipv4_can_be_written_as_ipv6s() -> None:
    """It is the same one, as such an address is."""
    said = Settings.model_validate({"trusted_proxies": ["::ffff:10.0.0.0/104", "::ffff:192.0.2.1", "::ffff:0:0/96"]})
    assert [str(network) for network in said.trusted_proxies] == ["10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0"]
    assert Clients(said.trusted_proxies[:1]).is_proxy("::ffff:10.0.0.1")


def _service(networks: list[str]) -> Any:
    return Settings.model_construct({"trusted_proxies"}, trusted_proxies=networks)
