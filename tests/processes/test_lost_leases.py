"""A process that ends or stops in the middle of a load keeps nobody waiting, and stores nothing when it goes on."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.family import living
from tests.raw_client import Client
from tests.running import Mbu, Running, until
from tests.scale import scale

WAITERS = 50
# A parent waits up to 5 s before it starts another for a worker that ended young: holders are killed in turn.
HOLDERS, KILLS = scale(1, 8), scale(2, 100)
TEXT = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "10s"
[mbus.user]
url = "$MBU"
[fragments.user]
mbu = "user"
path = "/user/{id}"
[screens.home]
path = "/home/{id}"
slots = { user = "user" }
[screens.side]
path = "/side/{id}"
slots = { user = "user" }
"""


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """It answers when it is let."""
    with Mbu() as one:
        yield one


@pytest.fixture
def holder(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """The service that loads first."""
    with Running(TEXT.replace("$MBU", mbu.url), redis_url) as service:
        yield service


@pytest.fixture
def holders(mbu: Mbu, redis_url: str, holder: Running) -> Iterator[list[Running]]:
    """Those that load first, each in its turn."""
    with ExitStack() as stack:
        more = (
            Running(TEXT.replace("$MBU", mbu.url), redis_url, namespace=holder.namespace) for _ in range(HOLDERS - 1)
        )
        yield [holder, *map(stack.enter_context, more)]


@pytest.fixture
def other(mbu: Mbu, redis_url: str, holder: Running) -> Iterator[Running]:
    """Another one of its fleet."""
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, namespace=holder.namespace) as service:
        yield service


@pytest.mark.prove
@pytest.mark.timeout(60 + 10 * KILLS)
def test_r13_who_waits_for_a_killed_holder_loads_instead(mbu: Mbu, holders: list[Running], other: Running) -> None:
    """kill -9 while it loads: another call, by one of those that wait, and each of them has its answer."""
    waits = []
    for number in range(KILLS):
        path = f"/user/{number}"
        mbu.put(path, number)
        mbu.hold(path)
        waits.append(asyncio.run(_killed(mbu, holders[number % HOLDERS], other, number)))
        assert mbu.calls[path] == 2
    print(f"seconds from each kill to the other call: {[f'{wait:.3f}' for wait in waits]}")


async def _killed(mbu: Mbu, holder: Running, other: Running, number: int) -> float:
    """Kill the holder while others wait; the seconds until one of them loads."""
    path, worker = f"/user/{number}", until(lambda: _ready(holder), "there is no new worker", 20.0)
    async with Client(holder.url) as first, Client(other.url) as rest:
        asking = asyncio.create_task(first.ask(f"/home/{number}"))
        await asyncio.to_thread(until, lambda: mbu.calls[path] == 1, "it does not load")
        waiting = [asyncio.create_task(rest.ask(f"/home/{number}")) for _ in range(WAITERS)]
        await asyncio.to_thread(until, lambda: _waiters(other) == WAITERS, "they do not wait")
        killed = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        await asyncio.to_thread(until, lambda: mbu.calls[path] == 2, "nobody else loads")
        wait = time.monotonic() - killed
        mbu.release(path)
        gots = await asyncio.gather(*waiting)
        await asyncio.gather(asking, return_exceptions=True)
    assert [got.json["data"] for got in gots] == [{"user": number}] * WAITERS
    return wait


def _waiters(service: Running) -> int:
    """How many wait for a load."""
    lines = service.get("/metrics", admin=True).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("aggregator_waiters "))


def _ready(service: Running) -> int:
    """Its worker; 0 where that is not ready."""
    family = living(service.descendants())
    return family[0] if family and service.get("/readyz", admin=True).status == 200 else 0


def test_r14_a_holder_that_was_stopped_stores_nothing(
    mbu: Mbu, holder: Running, other: Running, redis_url: str
) -> None:
    """1. A loads, and is stopped. 2. Its lease runs out; B loads what is newer, and stores it. 3. A goes on: its answer
    is for who asked it, and the fleet has B's."""
    mbu.put("/user/1", "old")
    mbu.put("/user/2", "whatever")
    mbu.hold("/user/1")
    [worker] = holder.descendants()
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(holder.get, "/home/1")
        until(lambda: mbu.calls["/user/1"] == 1, "it does not load")
        os.kill(worker, signal.SIGSTOP)
        try:
            mbu.put("/user/1", "new")
            second = pool.submit(other.get, "/home/1")
            until(lambda: mbu.calls["/user/1"] == 2, "nobody else loads")
            mbu.release("/user/1")
            assert second.result().json["data"] == {"user": "new"}
        finally:
            os.kill(worker, signal.SIGCONT)
        assert asking.result().json["data"] == {"user": "old"}
    # What it tells L2 of this one comes after the store that is refused, on the same connection.
    holder.get("/home/2")
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, namespace=holder.namespace) as third:
        assert third.get("/side/1").json["data"] == {"user": "new"}
    assert mbu.calls["/user/1"] == 2
