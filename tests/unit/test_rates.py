"""A client's rate and its connections are counted by its address, in bounded memory."""

import pytest

from aggregator.http.clients import Clients
from aggregator.http.connections import Connections
from aggregator.http.rates import Rates
from aggregator.networks import counted_as
from aggregator.settings import Settings


class Time:
    """Moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_client_has_its_rate_and_when_to_come_again() -> None:
    """As many at once, then one each interval; what is refused takes no turn."""
    time = Time()
    rates = Rates(4, time)
    assert [rates.refusal("192.0.2.1") is None for _ in range(6)] == [True] * 4 + [False] * 2
    assert rates.refusal("192.0.2.2") is None
    refusal = rates.refusal("192.0.2.1")
    assert refusal
    assert (refusal.status, refusal.headers["retry-after"], rates.refused) == (429, "1", 3)
    assert b"max_misses_per_client" in refusal.body
    time.now = 0.25
    assert [rates.refusal("192.0.2.1") is None for _ in range(2)] == [True, False]


def test_no_more_clients_are_remembered_than_said() -> None:
    """The one that has not asked for the longest time counts as new again, not one that asks all the time."""
    rates = Rates(1, Time(), most=100)
    for number in range(1_000):
        rates.refusal("192.0.2.1")
        rates.refusal(f"10.0.{number >> 8}.{number & 255}")
    assert len(rates) == 100
    assert rates.refusal("192.0.2.1")
    assert rates.refusal("10.0.0.0") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_client_of_ipv6_has_all_of_its_64(one: str, other: str, same: bool) -> None:
    """For its rate and its connections."""
    rates, connections = Rates(1, Time()), Connections(1)
    assert rates.refusal(one) is None
    assert connections.begin(one) is not None
    assert (rates.refusal(other) is None, connections.begin(other) is not None) == (not same, not same)


def test_nothing_is_bounded_unless_that_is_declared() -> None:
    """Nor is anybody remembered."""
    rates, connections = Rates(0, Time()), Connections()
    for _ in range(10_000):
        assert rates.refusal("192.0.2.1") is None
        assert connections.begin("192.0.2.1") is not None
    assert len(rates) == len(connections) == 0
    connections.end("192.0.2.1")


@pytest.mark.parametrize(("most", "times"), [(0, 0), (1, 1)])
def test_an_address_is_read_once_for_a_connection(monkeypatch: pytest.MonkeyPatch, most: int, times: int) -> None:
    """That is what counting one costs; where nothing is bounded it is not read at all."""
    read: list[str] = []
    monkeypatch.setattr("aggregator.http.connections.counted_as", lambda text: read.append(text) or counted_as(text))
    connections = Connections(most)
    client = connections.begin("2001:db8::1")
    assert client is not None
    connections.end(client)
    assert len(read) == times


def test_a_proxys_connections_are_not_one_clients() -> None:
    """Nobody is remembered who has none."""
    proxies = Settings(trusted_proxies="10.0.0.0/8").trusted_proxies  # type: ignore[arg-type]
    connections = Connections(2, Clients(proxies))
    assert None not in [connections.begin("10.0.0.1") for _ in range(5)]
    assert [connections.begin("192.0.2.1") for _ in range(5)] == ["192.0.2.1"] * 2 + [None] * 3
    connections.end("192.0.2.1")
    assert connections.begin("192.0.2.1")
    for client in [*["10.0.0.1"] * 5, *["192.0.2.1"] * 2]:
        connections.end(client)
    assert len(connections) == 0
