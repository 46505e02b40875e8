"""After an invalidation every process gives the new value within 250 ms, for one load a fragment that was overtaken."""

import asyncio
import random
from collections import Counter

import pytest
import redis.asyncio

from tests.fleet import NAMES, Publish, by_http, by_xadd, fill, fleet, target
from tests.processes.conftest import Pair
from tests.raw_client import Client
from tests.running import Mbu, Running
from tests.scale import scale

WITHIN = 0.25


@pytest.mark.prove
@pytest.mark.parametrize("way", ["http", "xadd"])
def test_every_process_gives_the_new_value_in_time(way: str, pair: Pair) -> None:
    """After the 202, and after an XADD; and the view is an L1 hit again at the next read."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    fill(pair.mbu, way, latency=0.02)
    asyncio.run(_rounds(way, pair, random.Random(seed)))


async def _rounds(way: str, pair: Pair, draw: random.Random) -> None:
    first, second = pair.services
    log = redis.asyncio.from_url(first.redis_url)
    async with Client(first.url) as one, Client(second.url) as two, Client(first.admin_url) as admin, log:
        publish = by_http(admin) if way == "http" else by_xadd(log, first.namespace)
        for client in (one, two):
            await client.ask(f"/home/{way}")
        for version in range(1, 1 + scale(5, 100)):
            one_round = Round(way, draw.sample(NAMES, draw.randint(1, 3)), version)
            await one_round.play([one, two], pair.mbu, publish)


class Round:
    """Some parts of a screen change, and are invalidated."""

    def __init__(self, id: str, changed: list[str], version: int) -> None:
        self.id, self.changed, self.version = id, changed, version

    async def play(self, clients: list[Client], mbu: Mbu, publish: Publish) -> None:
        """Change, publish, and see what every process answers and what it costs."""
        mbu.forget()
        for name in self.changed:
            mbu.put(target(name, self.id), {"name": name, "v": self.version}, latency=0.02)
        await publish([f"{name}:{self.id}" for name in self.changed])
        due = asyncio.get_running_loop().time() + WITHIN
        await asyncio.gather(*(self._renewed(client, due) for client in clients))
        assert mbu.calls == Counter({target(name, self.id): 1 for name in self.changed})
        for client in clients:
            assert 'detail="L1"' in (await client.ask(f"/home/{self.id}")).headers["cache-status"]

    async def _renewed(self, client: Client, due: float) -> None:
        """Ask until every value is the new one; an answer begun after `due` has to have it."""
        while True:
            late = asyncio.get_running_loop().time() > due
            parts = (await client.ask(f"/home/{self.id}")).json["data"]
            values = {name: parts[name]["v"] for name in self.changed}
            if set(values.values()) == {self.version}:
                return
            assert not late, f"old after {WITHIN} s: {values}, not {self.version}"
            await asyncio.sleep(0.002)


@pytest.mark.prove
def test_all_workers_of_a_service_get_it_in_time(redis_url: str) -> None:
    """Whichever of them a connection comes to."""
    with Mbu() as mbu, fleet(mbu, redis_url, count=1, workers=2) as (service,):
        fill(mbu, "42")
        asyncio.run(_ask_all(service, mbu))
        assert mbu.calls == Counter({target(name, "42"): 1 for name in NAMES} | {target("part3", "42"): 2})


async def _ask_all(service: Running, mbu: Mbu) -> None:
    async with Client(service.admin_url) as admin:
        assert {await _alone(service) for _ in range(20)} == {0}
        mbu.put(target("part3", "42"), {"name": "part3", "v": 1})
        await by_http(admin)(["part3:42"])
        await asyncio.sleep(WITHIN)
        assert {await _alone(service) for _ in range(20)} == {1}


async def _alone(service: Running) -> int:
    """The value that a connection of its own is given."""
    async with Client(service.url) as client:
        value: int = (await client.ask("/home/42")).json["data"]["part3"]["v"]
        return value
