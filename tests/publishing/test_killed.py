"""kill -9 of an MBU, wherever it hits: an invalidation arrives if and only if its change was committed."""

import random
import subprocess
import sys
from collections import Counter
from typing import Any

import orjson
import pytest
import redis

from aggregator.publisher import Relay
from tests.databases import ask, connect, outbox
from tests.running import ROOT
from tests.scale import scale


def mbu(database: str, redis_url: str, number: int, since: str, point: int) -> str:
    """Run it once; what it printed, which is nothing where it was killed."""
    words = [sys.executable, "-m", "tests.outbox_mbu", database, redis_url, str(number), since, str(point)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (-9 if point else 0), done.stderr
    return done.stdout


def arrived(redis_url: str) -> Counter[str]:
    """How often each id is in the log; and its tags are right."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        found: Any = client.xrange("aggregator:invalidations")
    records = [fields for _, fields in found if fields.get("id", "").startswith("change-")]
    assert all(fields["tags"] == orjson.dumps([fields["id"].replace("-", ":")]).decode() for fields in records)
    return Counter(fields["id"] for fields in records)


def kill_and_relay(database: str, redis_url: str, since: str, points: int, seed: int) -> tuple[Counter[str], set[str]]:
    """Kill so many MBUs, each with an outbox of its own, then relay; the ids in the log, and those committed."""
    for number in range(points + 1):
        ask(database, f"DROP TABLE IF EXISTS outbox_{number}")
        ask(database, outbox(database, f"outbox_{number}").ddl)
    lines = int(mbu(database, redis_url, 0, since, 0))
    print(f"seed {seed}: {lines} lines of Python since the {since}", end="; ")
    drawn = random.Random(seed)
    for number in range(1, points + 1):
        mbu(database, redis_url, number, since, drawn.randint(1, lines))
    before = len(arrived(redis_url))
    for number in range(1, points + 1):
        relay = Relay(lambda: connect(database), outbox(database, f"outbox_{number}"), redis_url)
        relay.relay()
        relay.close()
    found = arrived(redis_url)
    committed = {f"change-{number}" for (number,) in ask(database, "SELECT number FROM changes")}
    twice = sum(times > 1 for times in found.values())
    print(f"{len(found) - 1} of {points} arrived, {before - 1} of them before the relay ran, {twice} twice")
    return found, committed


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_between_commit_and_publish(database: str, clean_redis_url: str) -> None:
    """All were committed, and all arrive; none more than twice."""
    points = scale(4, 100)
    found, committed = kill_and_relay(database, clean_redis_url, "commit", points, random.randrange(2**32))
    assert set(found) == committed == {f"change-{number}" for number in range(points + 1)}
    assert max(found.values()) <= 2


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_from_before_the_change(database: str, clean_redis_url: str) -> None:
    """What was not committed does not arrive."""
    found, committed = kill_and_relay(database, clean_redis_url, "change", scale(2, 30), random.randrange(2**32))
    assert set(found) == committed
