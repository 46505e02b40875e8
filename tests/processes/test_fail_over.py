"""A fail-over by Sentinel that loses invalidations: screens are answered all along, and none stays stale."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

import orjson
import pytest
import redis

from aggregator.invalidation import wire
from tests.running import Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.scale import scale
from tests.sentinels import Watched, watched
from tests.servers import KINDS

LOST = 500
READ_ALL_ALONG = 10


def service(mbu: Mbu, url: str, namespace: str | None = None) -> Running:
    """Two workers. On loopback nobody else is on the network."""
    flags = ["--allow-insecure-redis", "true"]
    return Running(ONE_PART.replace("$MBU", mbu.url), url, 2, {"KEY": "k"}, flags, namespace)


def change(mbu: Mbu, version: int) -> None:
    """What the MBU says of everything from now on."""
    for number in range(LOST):
        mbu.put(f"/part/{number}", version)


def invalidate(one: Running) -> None:
    """All of it, acknowledged."""
    for first in range(0, LOST, 100):
        body = orjson.dumps({"tags": [f"part:{number}" for number in range(first, first + 100)]})
        assert one.get("/invalidations", {"authorization": "Bearer k"}, "POST", body, admin=True).status == 202


def read_all(one: Running) -> Counter[object]:
    """How many answers had which version; "hit" counts those for which no MBU was asked."""
    found: Counter[object] = Counter()
    with closing(HTTPConnection(one.url.removeprefix("http://"), timeout=15)) as connection:
        for number in range(LOST):
            connection.request("GET", f"/home/{number}")
            answer = connection.getresponse()
            found[orjson.loads(answer.read())["data"]["part"]] += 1
            found["hit"] += "hit" in answer.headers["cache-status"]
    return found


@contextmanager
def read_all_along(one: Running) -> Iterator[Counter[int]]:
    """Some screens, over and over: how often they were answered with which status."""
    statuses: Counter[int] = Counter()
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.01):
            for number in range(READ_ALL_ALONG):
                statuses[one.get(f"/home/{number}").status] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield statuses
    finally:
        ended.set()
        reader.join()


def hold_back(servers: Watched) -> None:
    """The replica gets nothing any more of what its master is told."""
    with redis.Redis.from_url(servers.servers[1].url) as replica:
        replica.replicaof("127.0.0.1", "1")


def tell_lost(servers: Watched, namespace: str) -> None:
    """What was acknowledged is nowhere."""
    with redis.Redis.from_url(servers.servers[1].url) as promoted:
        told = [fields[b"tags"] for _, fields in promoted.xrange(wire.stream_key(namespace))]
    assert not any(b'"part:' in tags for tags in told)


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """One that says nothing yet."""
    with Mbu() as mbu:
        yield mbu


@pytest.mark.prove
@pytest.mark.parametrize("kind", KINDS[: scale(1, 2)])
def test_r08_nothing_is_stale_after_a_fail_over_that_lost_invalidations(mbu: Mbu, kind: str) -> None:
    """Neither for who was there nor for a service that comes later, and finds what was kept before them."""
    change(mbu, 1)
    with watched(kind) as servers, service(mbu, servers.url) as one:
        read_all(one)
        before = read_all(one)
        assert before["hit"] > 0.9 * LOST
        with read_all_along(one) as statuses:
            hold_back(servers)
            change(mbu, 2)
            invalidate(one)
            servers.fail_over()
            promoted = time.monotonic()
            tell_lost(servers, one.namespace)
            until(lambda: one.get("/readyz", admin=True).json["vouching"], "it proves")
            print(f"proof again {time.monotonic() - promoted:.2f} s after the promotion")
            with service(mbu, servers.url, one.namespace) as two:
                time.sleep(max(0.0, promoted + 5.0 - time.monotonic()))
                assert (read_all(two)[2], read_all(one)[2]) == (LOST, LOST)
            until(
                lambda: read_all(one)["hit"] >= 0.8 * before["hit"],
                "it is warm again",
                promoted + 60 - time.monotonic(),
            )
            print(f"warm again {time.monotonic() - promoted:.1f} s after the promotion; answers {dict(statuses)}")
        assert set(statuses) == {200}
