"""A herd on cold screens costs one load a fragment, however many processes it runs into."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from tests.fleet import NAMES, fill, fleet, target
from tests.processes.conftest import Pair, may_open
from tests.raw_client import Client
from tests.running import Got, Mbu, Running
from tests.scale import scale

CLIENTS = 400
PROCESSES, CLIENTS_EACH, HERDS = scale(3, 8), scale(100, 500), scale(2, 10)


@pytest.fixture
def many(redis_url: str) -> Iterator[tuple[Mbu, list[Running]]]:
    """Processes of one fleet; this one may have a connection for each client."""
    with may_open(PROCESSES * CLIENTS_EACH + 500), Mbu() as mbu, fleet(mbu, redis_url, PROCESSES) as services:
        yield mbu, services


@pytest.mark.prove
@pytest.mark.timeout(60 + 30 * HERDS)
def test_r12_a_crowd_over_many_processes_costs_one_call_a_cold_key(many: tuple[Mbu, list[Running]]) -> None:
    """In full 500 clients at each of 8 processes, all at once on one cold screen, MBUs taking 200 ms."""
    mbu, services = many
    for number in range(HERDS):
        user = f"crowd{number}"
        fill(mbu, user, latency=0.2)
        gots = asyncio.run(_herd(services, [user] * CLIENTS_EACH))
        assert Counter(got.status for got in gots) == {200: PROCESSES * CLIENTS_EACH}
        assert "errors" not in gots[0].json
        assert len({got.headers["etag"] for got in gots}) == 1
    assert mbu.calls == Counter({target(name, f"crowd{number}"): 1 for name in NAMES for number in range(HERDS)})


@pytest.mark.prove
@pytest.mark.parametrize("screens", [1, 20])
def test_each_fragment_is_loaded_once(screens: int, pair: Pair) -> None:
    """400 clients at once over two processes, all on one cold screen or spread over some, MBUs taking 200 ms."""
    for trial in range(scale(2, 20)):
        users = [f"herd{screens}-{trial}-{number}" for number in range(screens)]
        for user in users:
            fill(pair.mbu, user, latency=0.2)
        pair.mbu.forget()
        gots = asyncio.run(_herd(pair.services, users * (CLIENTS // 2 // screens)))
        assert Counter(got.status for got in gots) == {200: CLIENTS}
        assert len({got.headers["etag"] for got in gots}) == 1
        assert "errors" not in gots[0].json
        once = Counter({target(name, user): 1 for name in NAMES for user in users})
        assert pair.mbu.calls.keys() == once.keys()
        # So many screens keep both processes busy; one that gets no processor for a lease's term loses its leases.
        assert (pair.mbu.calls - once).total() <= (0 if screens == 1 else once.total() // 10)


async def _herd(services: Sequence[Running], users: Sequence[str]) -> list[Got]:
    """A client for each of these users at each service, all at once."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(service.url)) for service in services]
        for client in clients:
            await client.open(len(users))
        return await asyncio.gather(*(client.ask(f"/home/{user}") for user in users for client in clients))
