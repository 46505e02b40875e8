"""Workers under a storm of invalidations apply every one, and one that slept through it knows that it did."""

import os
import signal
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
import redis

from aggregator.invalidation import wire
from tests.running import Mbu, Running, until
from tests.scale import scale

WORKERS = scale(2, 4)
PER_SECOND, SECONDS = 20_000, scale(1, 10)
AT_ONCE = 200
SLEEPS = scale(1, 20)
VIEWS = 20
# What a worker may grow by, for tags of which the ledger keeps as many as there are in a storm.
GROWS_BY_LESS_THAN = 60_000_000
TEXT = """
version = 1
[defaults]
fresh_for = "10m"
[mbus.user]
url = "$MBU"
[fragments.user]
mbu = "user"
path = "/user/{id}"
tags = ["user:{id}"]
[screens.home]
path = "/home/{id}"
slots = { user = "user" }
"""


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    with Mbu() as one:
        yield one


@pytest.mark.timeout(60 + 20 * SECONDS)
def test_r27_a_storm_is_applied_to_the_last_invalidation(mbu: Mbu, redis_url: str) -> None:
    """By each worker, within bounds of memory; readers are answered meanwhile, how late is printed."""
    mbu.put("/user/1", "old")
    with (
        Running(TEXT.replace("$MBU", mbu.url), redis_url, WORKERS) as service,
        closing(redis.Redis.from_url(redis_url)) as client,
        ThreadPoolExecutor() as pool,
    ):
        before = [_resident(pid) for pid in service.descendants()]
        already, over = _counted(service, "invalidations_applied"), Event()
        reading = pool.submit(_read, service, over)
        began = time.monotonic()
        for first in range(0, PER_SECOND * SECONDS, AT_ONCE):
            with client.pipeline(transaction=False) as pipe:
                for number in range(first, first + AT_ONCE):
                    pipe.xadd(wire.stream_key(service.namespace), {"tags": f'["storm:{number}"]'})
                pipe.execute()
            time.sleep(max(0.0, began + (first + AT_ONCE) / PER_SECOND - time.monotonic()))
        mbu.put("/user/1", "new")
        client.xadd(wire.stream_key(service.namespace), {"tags": '["user:1"]'})
        took = time.monotonic() - began
        expected = already + WORKERS * (PER_SECOND * SECONDS + 1)
        until(lambda: _counted(service, "invalidations_applied") >= expected, "they are not applied", 60.0)
        behind = time.monotonic() - began - took
        over.set()
        late = sorted(reading.result())
        assert _counted(service, "invalidations_applied") == expected
        assert _counted(service, "log_gaps") == 0
        assert [service.get("/home/1").json["data"] for _ in range(20)] == [{"user": "new"}] * 20
        grown = [_resident(pid) - size for pid, size in zip(service.descendants(), before, strict=True)]
    print(
        f"{PER_SECOND * SECONDS:,} in {took:.1f} s, the last applied {behind:.2f} s later; "
        f"answers p50 {statistics.median(late) * 1e3:.1f} ms, p99 {late[int(len(late) * 0.99)] * 1e3:.1f} ms; "
        f"grown by {max(grown) / 1e6:.0f} MB at most"
    )
    assert max(grown) < GROWS_BY_LESS_THAN


@pytest.mark.timeout(60 + 10 * SLEEPS)
def test_r28_who_slept_until_the_log_was_trimmed_serves_nothing_stale(mbu: Mbu, redis_url: str) -> None:
    """1. A worker holds views. 2. It is stopped. 3. They are invalidated, and the log is trimmed past that. 4. It goes
    on: a second later it serves none of them."""
    with (
        Running(TEXT.replace("$MBU", mbu.url), redis_url) as service,
        closing(redis.Redis.from_url(redis_url)) as client,
    ):
        [worker] = service.descendants()
        stream = wire.stream_key(service.namespace)
        for slept in range(SLEEPS):
            _put(mbu, f"old {slept}")
            client.xadd(stream, {"tags": '["mbu:user"]'})
            until(lambda told=f"old {slept}": _users(service) == {told}, "it is not fresh")
            os.kill(worker, signal.SIGSTOP)
            try:
                _put(mbu, f"new {slept}")
                for number in range(VIEWS):
                    client.xadd(stream, {"tags": f'["user:{number}"]'})
                for _ in range(2_000):
                    client.xadd(stream, {"tags": '["something:else"]'})
                client.xtrim(stream, maxlen=1_500, approximate=False)
            finally:
                os.kill(worker, signal.SIGCONT)
            time.sleep(1.0)
            assert _users(service) == {f"new {slept}"}
            assert _counted(service, "log_gaps") == slept + 1


def _put(mbu: Mbu, value: str) -> None:
    for number in range(VIEWS):
        mbu.put(f"/user/{number}", value)


def _users(service: Running) -> set[str]:
    return {service.get(f"/home/{number}").json["data"]["user"] for number in range(VIEWS)}


def _read(service: Running, over: Event) -> list[float]:
    """Read until it is over; the seconds that each answer took."""
    took = []
    while not over.is_set():
        began = time.monotonic()
        assert service.get("/home/1").status == 200
        took.append(time.monotonic() - began)
        over.wait(0.005)
    return took


def _counted(service: Running, name: str) -> int:
    """The sum over all workers."""
    lines = service.get("/metrics", admin=True).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(f"aggregator_{name}_total"))


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
