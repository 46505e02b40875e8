"""Far more different screens than there is room for, by URL or by a header: L1 keeps its bound, and what is read."""

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from itertools import chain

import pytest

from tests.family import anonymous
from tests.http.test_operations import samples
from tests.raw_client import Client
from tests.running import Mbu, Running
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "1h"
[mbus.m]
url = "$MBU"
[fragments.spoken]
mbu = "m"
path = "/part/{header.accept-language}"
[fragments.named]
mbu = "m"
path = "/part/{id}"
[screens.spoken]
path = "/spoken"
headers = ["accept-language"]
slots = { part = "spoken" }
[screens.named]
path = "/named/{id}"
slots = { part = "named" }
"""
MIB = 2**20
ROOMY, LARGE = 64 * MIB, 64 * 1_024
HOT = [f"hot-{number}" for number in range(20)]
AT_ONCE = 16


class Flood:
    """So many different screens of so many bytes, and what came of the reads of the hot ones beside them."""

    def __init__(self, mbu: Mbu, running: Running, size: int) -> None:
        self.seed = random.SystemRandom().getrandbits(32)
        print(f"seed {self.seed}")
        self._draw = random.Random(self.seed)
        self._mbu, self._running, self._body = mbu, running, b'"' + b"x" * (size - 2) + b'"'

    def hits(self, spoken: bool, count: int) -> float:
        """Ask for them all; the share of the hot reads that were hits in L1."""
        read = asyncio.run(self._flooded(spoken, [f"x-{self._draw.getrandbits(48):x}" for _ in range(count)]))
        return sum(read) / len(read)

    async def _flooded(self, spoken: bool, strangers: list[str]) -> list[bool]:
        async with Client(self._running.url) as client:
            ask = partial(self._ask, client, spoken)

            async def some(mine: list[str]) -> list[bool]:
                read = []
                for value in mine:
                    await ask(value)
                    read.append(await ask(self._draw.choice(HOT)))
                return read

            for _ in range(3):
                await asyncio.gather(*map(ask, HOT))
            return list(chain(*await asyncio.gather(*(some(strangers[at::AT_ONCE]) for at in range(AT_ONCE)))))

    async def _ask(self, client: Client, spoken: bool, value: str) -> bool:
        self._mbu.put(f"/part/{value}", self._body)
        got = await client.ask("/spoken" if spoken else f"/named/{value}", headers={"accept-language": value})
        assert got.status == 200, got
        return "L1" in got.headers["cache-status"]


@pytest.fixture
def running(request: pytest.FixtureRequest, mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """A worker with an L1 of so many bytes."""
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, flags=["--l1-bytes", f"{request.param // MIB}MiB"]) as one:
        yield one


@pytest.mark.prove
@pytest.mark.timeout(590)
@pytest.mark.parametrize("running", [8 * MIB], indirect=True)
def test_r47_values_of_a_header_neither_fill_l1_nor_take_what_is_read(mbu: Mbu, running: Running) -> None:
    """Each value is a variant of its own, and as many are kept as there is room for."""
    share = Flood(mbu, running, 4_096).hits(True, scale(3_000, 100_000))
    now = samples(running)
    print(f"{share:.2%} hits, {now['aggregator_l1_views']:.0f} variants held")
    assert share >= 0.95
    assert now["aggregator_l1_bytes"] <= 8 * MIB
    assert now["aggregator_l1_evictions_total"] > 0


@pytest.mark.prove
@pytest.mark.timeout(590)
@pytest.mark.parametrize("running", [ROOMY], indirect=True)
def test_r41_a_worker_takes_no_more_memory_than_its_l1(mbu: Mbu, running: Running) -> None:
    """Ten times what L1 holds goes through it, and the worker grows by no more than one and a half times its bound."""
    [worker] = running.descendants()
    before = anonymous(worker)
    share = Flood(mbu, running, LARGE).hits(False, scale(2, 10) * ROOMY // LARGE)
    grown = anonymous(worker) - before
    print(f"{share:.2%} hits, {grown / MIB:.1f} MiB more")
    assert share >= 0.95
    assert samples(running)["aggregator_l1_evictions_total"] > 0
    assert grown <= 1.5 * ROOMY
