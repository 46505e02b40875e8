"""A crowd in front of one cold screen costs one load a fragment, and no more memory than those that may wait take."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest
import redis

from tests.family import anonymous
from tests.processes.conftest import may_open
from tests.running import Mbu, Running, until
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "30s"
[mbus.user]
url = "$MBU"
[mbus.feed]
url = "$MBU"
[fragments.user]
mbu = "user"
path = "/user/{id}"
[fragments.feed]
mbu = "feed"
path = "/feed/{id}"
[screens.home]
path = "/home/{id}"
slots = { user = { fragment = "user", required = true }, feed = "feed" }
"""
READERS = 5_000
FILES = READERS + 500
WAITING = 1_000  # unless otherwise set
HERDS = scale(2, 10)
FOR_ALL = 6  # connections to Redis: one for L2, some for the log, and the one that counts them
# Bytes since the first herd, as the allocator keeps some: over 20 herds it grew by 15 MB, and no further. A herd takes
# 75 MB and more while it is there.
GROWS_LESS_THAN = 30_000_000


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """It answers when it is let."""
    with Mbu() as one:
        yield one


@pytest.fixture
def service(mbu: Mbu, clean_redis_url: str) -> Iterator[Running]:
    """One worker, new, that may have so many connections, as the test itself may."""
    with may_open(FILES), Running(TEXT.replace("$MBU", mbu.url), clean_redis_url) as service:
        yield service


@contextmanager
def asked(service: Running, path: str) -> Iterator[list[socket.socket]]:
    """Readers that have all asked for the screen."""
    url = urlsplit(service.url)
    with ExitStack() as stack:
        connections = (socket.create_connection((url.hostname, url.port), 15.0) for _ in range(READERS))
        readers = [stack.enter_context(connection) for connection in connections]
        for reader in readers:
            reader.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        yield readers


def said(reader: socket.socket) -> bytes:
    """The head of what a reader is answered."""
    with reader.makefile("rb") as answer:
        return b"".join(iter(answer.readline, b"\r\n")).lower()


def metric(service: Running, name: str) -> int:
    """The sum of a metric."""
    lines = service.get("/metrics", admin=True).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(f"aggregator_{name}"))


def served(service: Running, count: int) -> bool:
    """Has it answered so many?"""
    return metric(service, "screens_served_total") == count


def connections(url: str) -> int:
    """Connections that the Redis server has."""
    with redis.Redis.from_url(url) as client:
        return len(client.client_list())


@pytest.mark.prove
def test_five_thousand_readers_on_one_cold_screen(mbu: Mbu, service: Running, clean_redis_url: str) -> None:
    """Each fragment is loaded once; as many wait as may, without a connection to Redis, and the others are told at once
    to come again; the worker's memory is the same, herd after herd."""
    [worker] = service.descendants()
    memory = list[int]()
    for herd in range(HERDS):
        paths = [f"/user/{herd}", f"/feed/{herd}"]
        for path in paths:
            mbu.put(path, path)
            mbu.hold(path)
        with asked(service, f"/home/{herd}") as readers:
            until(partial(served, service, READERS * (herd + 1) - WAITING), "not all have come", 30.0)
            assert metric(service, "waiters ") == 2 * WAITING
            assert connections(clean_redis_url) <= FOR_ALL
            for path in paths:
                mbu.release(path)
            heads = [said(reader) for reader in readers]
        assert Counter(head.split(b" ")[1] for head in heads) == {b"200": WAITING, b"503": READERS - WAITING}
        assert all(b"\r\nretry-after: 1" in head for head in heads if b" 503 " in head)
        assert metric(service, "waiters ") == 0
        memory.append(anonymous(worker))
    assert mbu.calls == Counter({f"/{name}/{herd}": 1 for name in ("user", "feed") for herd in range(HERDS)})
    assert metric(service, "waiters_turned_away_total") == 2 * HERDS * (READERS - WAITING)
    print(f"bytes after each herd: {memory}")
    assert memory[-1] - memory[0] < GROWS_LESS_THAN
