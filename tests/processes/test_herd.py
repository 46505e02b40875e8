"""A herd on cold screens costs one load a fragment, however many processes it runs into."""

import asyncio
from collections import Counter

import pytest

from tests.fleet import NAMES, fill, target
from tests.processes.conftest import Pair
from tests.raw_client import Client
from tests.running import Got
from tests.scale import scale

CLIENTS = 400


@pytest.mark.prove
@pytest.mark.parametrize("screens", [1, 20])
def test_each_fragment_is_loaded_once(screens: int, pair: Pair) -> None:
    """400 clients at once over two processes, all on one cold screen or spread over some, MBUs taking 200 ms."""
    for trial in range(scale(2, 20)):
        users = [f"herd{screens}-{trial}-{number}" for number in range(screens)]
        for user in users:
            fill(pair.mbu, user, latency=0.2)
        pair.mbu.forget()
        gots = asyncio.run(_herd(pair, users))
        assert Counter(got.status for got in gots) == {200: CLIENTS}
        assert len({got.headers["etag"] for got in gots}) == 1
        assert "errors" not in gots[0].json
        once = Counter({target(name, user): 1 for name in NAMES for user in users})
        assert pair.mbu.calls.keys() == once.keys()
        # So many screens keep both processes busy; one that gets no processor for a lease's term loses its leases.
        assert (pair.mbu.calls - once).total() <= (0 if screens == 1 else once.total() // 10)


async def _herd(pair: Pair, users: list[str]) -> list[Got]:
    """As many clients for each user, half of all at each service, all at once."""
    async with Client(pair.services[0].url) as first, Client(pair.services[1].url) as second:
        clients = (first, second)
        for client in clients:
            await client.open(CLIENTS // 2)
        paths = [f"/home/{user}" for user in users for _ in range(CLIENTS // len(users))]
        return await asyncio.gather(*(clients[turn % 2].ask(path) for turn, path in enumerate(paths)))
