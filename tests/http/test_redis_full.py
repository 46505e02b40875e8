"""Redis has no memory left and evicts nothing: what is kept stays proved, and no answer fails for it."""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, takewhile

import pytest
import redis

from tests.http.raw_answers import is_problem
from tests.running import Got, Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.scale import FULL
from tests.servers import Valkey

LIMIT = 16_000_000
SECONDS = 60.0 if FULL else 4.0  # twice as long as a proof lasts, at least


@pytest.fixture
def full() -> Iterator[Valkey]:
    """A server that is not yet full."""
    with Valkey("--maxmemory", str(LIMIT), "--maxmemory-policy", "noeviction") as server:
        yield server


def fill(url: str, limit: int) -> None:
    """Until it refuses the smallest value; then it is given that limit."""
    with redis.Redis.from_url(url) as client:
        for size in (100_000, 1_000, 1):
            with suppress(redis.exceptions.OutOfMemoryError):
                while True:
                    client.set(f"filling:{time.monotonic_ns()}", bytes(size))
        client.config_set("maxmemory", limit)


@pytest.mark.prove
@pytest.mark.timeout(90 + SECONDS)
@pytest.mark.parametrize("limit", [LIMIT, LIMIT // 2], ids=["to the brim", "over it"])
def test_r25_a_full_redis_costs_no_answer_and_no_proof(full: Valkey, mbu: Mbu, id: str, limit: int) -> None:
    """Screens are 200, what is held stays a hit, stores fail and are counted, and an invalidation is refused, or
    acknowledged and applied."""
    with Running(ONE_PART.replace("$MBU", mbu.url), full.url, env={"KEY": "k"}) as one:
        until(lambda: one.get("/readyz", admin=True).json["vouching"], "it vouches")
        mbu.put(f"/part/{id}", 0)
        one.get(f"/home/{id}")
        refused, began = 0, time.monotonic()
        for number in takewhile(lambda _: time.monotonic() < began + SECONDS, count(1)):
            fill(full.url, limit)
            assert one.get(f"/home/{id}").headers["cache-status"].count("hit") == 1
            mbu.put(f"/part/{id}-{number}", number)
            assert one.get(f"/home/{id}-{number}").json == {"data": {"part": number}}
            mbu.put(f"/part/{id}-{number}", -number)
            got = publish(one, f"part:{id}-{number}")
            if got.status == 202:
                until(lambda: one.get(f"/home/{id}-{number}").json["data"]["part"] == -number, "applied", 1.0)  # noqa: B023
            else:
                refused += is_problem(got, 503)
            assert one.get("/readyz", admin=True).json["vouching"]
        assert refused > 0
        assert "aggregator_l2_failures_total 0.0" not in one.get("/metrics", admin=True).body.decode()
        with redis.Redis.from_url(full.url) as client:
            client.config_set("maxmemory", 0)
        until(lambda: publish(one, f"part:{id}").status == 202, "it is taken again")


def publish(running: Running, tag: str) -> Got:
    return running.get("/invalidations", {"authorization": "Bearer k"}, "POST", b'{"tags":["%s"]}' % tag.encode(), True)
