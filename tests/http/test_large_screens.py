"""Screens of ten MiB among small ones: no tier holds them, and small ones are answered out of L1 as before."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.family import anonymous
from tests.raw_client import Client
from tests.running import Mbu, Running, until
from tests.scale import scale

PARTS, MIB = 10, 2**20
LARGE = scale(5, 50)
SMALL = [f"small{number}" for number in range(50)]
TEXT = """
version = 1
[defaults]
fresh_for = "10m"
max_payload = "2MiB"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
[screens.small]
path = "/small/{id}"
slots = { part = "part" }
[screens.large]
path = "/large/{id}"
[screens.large.slots]
""" + "".join(f'p{number} = {{ fragment = "f{number}", required = true }}\n' for number in range(PARTS))
FRAGMENTS = "".join(f'[fragments.f{number}]\nmbu = "m"\npath = "/part/{{id}}?n={number}"\n' for number in range(PARTS))


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """An L1 of 64 MiB, of which a tenth is less than a large screen."""
    text = (TEXT + FRAGMENTS).replace("$MBU", mbu.url)
    with Running(text, redis_url, flags=["--l1-bytes", "64MiB"]) as one:
        yield one


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_r32_large_screens_are_answered_and_not_held(running: Running, mbu: Mbu) -> None:
    """Each is counted; small ones are hits all the while; the worker's memory does not grow with their number."""
    [worker] = running.descendants()
    part = b'"' + b"x" * (MIB - 2) + b'"'
    for id in map(str, range(LARGE + 1)):
        for number in range(PARTS):
            mbu.put(f"/part/{id}?n={number}", part)
    for id in SMALL:
        mbu.put(f"/part/{id}", id)
    grown = asyncio.run(_mixed(running, worker))
    print(f"{grown / MIB:.1f} MiB more")
    assert grown < 100 * MIB
    counted(running, "l1_too_large")
    counted(running, "l2_too_large")


def counted(running: Running, name: str) -> None:
    """Each of them was, once; what comes behind answers is waited for."""
    line = f"aggregator_{name}_total {LARGE + 1:.1f}"
    until(lambda: line in running.get("/metrics", admin=True).body.decode(), line)


async def _mixed(running: Running, worker: int) -> int:
    """Ask for all; gives the bytes by which the worker has grown since the first large one."""
    async with Client(running.url) as client:

        async def large(number: int) -> None:
            got = await client.ask(f"/large/{number}")
            assert got.status == 200
            assert len(got.body) > PARTS * MIB

        for id in SMALL:
            await client.ask(f"/small/{id}")
        await large(LARGE)
        before = anonymous(worker)
        for number in range(LARGE):
            asking = asyncio.create_task(large(number))
            for id in SMALL:
                assert "L1" in (await client.ask(f"/small/{id}")).headers["cache-status"]
            await asking
        return anonymous(worker) - before
