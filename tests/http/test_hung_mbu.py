"""An MBU that takes connections and never replies takes none of ours for longer than its deadline."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.raw_client import Client
from tests.running import Mbu, Running, until
from tests.scale import scale

CLIENTS, PLACES = 200, 32
# Descriptors that a worker may have open beside those of clients and calls: pools, files, what is being closed.
SPARE = 60
TEXT = f"""
version = 1
[defaults]
fresh_for = "10m"
deadline = "500ms"
max_in_flight_per_process = {PLACES}
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{{id}}"
[screens.page]
path = "/page/{{id}}"
slots = {{ it = {{ fragment = "part", required = true }} }}
"""


@pytest.fixture
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, flags=["--log-level", "error"]) as one:
        yield one


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r43_an_mbu_that_never_replies_takes_no_descriptor_for_long(mbu: Mbu, running: Running) -> None:
    """Of so many requests, each for a screen of its own, none hangs; once the MBU is well screens are there again."""
    [worker] = running.descendants()
    ids = [str(number) for number in range(scale(1_000, 5_000))]
    for id in ids:
        mbu.put(f"/part/{id}", 1, hang=True)
    statuses, most = asyncio.run(_asked(running.url, worker, ids))
    print(f"{statuses}, {most} descriptors at most")
    assert set(statuses) <= {503, 504}
    assert statuses.total() == len(ids)
    assert most <= CLIENTS + PLACES + SPARE
    mbu.put("/part/well", 1)
    until(lambda: running.get("/page/well").status == 200, "it is asked again", 5.0)


async def _asked(url: str, worker: int, ids: list[str]) -> tuple[Counter[int], int]:
    """How they were answered, and the descriptors that the worker had open at most."""
    left, most = iter(ids), 0
    async with Client(url) as client:

        async def some() -> list[int]:
            nonlocal most
            statuses = []
            for id in left:
                statuses.append((await client.ask(f"/page/{id}")).status)
                most = max(most, len(os.listdir(f"/proc/{worker}/fd")))
            return statuses

        answered = await asyncio.gather(*(some() for _ in range(CLIENTS)))
    return Counter(status for statuses in answered for status in statuses), most
