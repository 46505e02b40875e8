"""What an invalidation costs the log: one record."""

from contextlib import closing

import redis

from aggregator.invalidation import wire
from tests.running import Mbu, Running, until
from tests.samples.one_part import ONE_PART


def test_r30_an_invalidation_is_one_record_whatever_follows_from_it(mbu: Mbu, redis_url: str, id: str) -> None:
    """Four workers apply it, load anew and store; none of them publishes."""
    flags = ["--refresh-budget", "200"]
    with Running(ONE_PART.replace("$MBU", mbu.url), redis_url, 4, {"KEY": "k"}, flags) as one:

        def applied() -> float:
            lines = one.get("/metrics", admin=True).body.decode().splitlines()
            return sum(float(line.split()[1]) for line in lines if line.startswith("aggregator_invalidations_applied"))

        with closing(redis.Redis.from_url(redis_url)) as client:
            added = lambda: client.xinfo_stream(wire.stream_key(one.namespace))["entries-added"]  # noqa: E731
            until(lambda: applied() == 4, "all have read the record that began the epoch")
            assert added() == 1
            for number in range(1, 6):
                mbu.put(f"/part/{id}", number)
                one.get(f"/home/{id}")
                said = b'{"tags":["part:%s"]}' % id.encode()
                assert one.get("/invalidations", {"authorization": "Bearer k"}, "POST", said, admin=True).status == 202
                until(lambda: applied() == 4 * (1 + number), "each has applied it once")  # noqa: B023
                assert added() == 1 + number
