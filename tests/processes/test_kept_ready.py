"""What is read is there again before its next reader, once it was invalidated: by the installed command."""

from collections.abc import Iterator

import pytest

from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.user]
url = "$MBU"
[fragments.user]
mbu = "user"
path = "/user/{id}"
tags = ["user:{id}"]
[fragments.feed]
mbu = "user"
path = "/feed/{id}"
[screens.home]
path = "/home/{id}"
slots = { user = "user", feed = "feed" }
[publishers.all]
key_env = "KEY"
tags = ["*"]
"""


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    with Mbu() as one:
        yield one


def test_a_hot_view_is_composed_anew_by_one_process_and_taken_over_by_the_other(mbu: Mbu, clean_redis_url: str) -> None:
    """Nobody asks meanwhile; each MBU is asked once for what was overtaken, and for nothing else."""
    text, flags, env = TEXT.replace("$MBU", mbu.url), ["--refresh-budget", "100"], {"KEY": "all-key"}
    mbu.put("/user/1", 1)
    mbu.put("/feed/1", 1)
    with (
        Running(text, clean_redis_url, env=env, flags=flags) as one,
        Running(text, clean_redis_url, env=env, flags=flags, namespace=one.namespace) as two,
    ):
        for running in (one, two):
            assert [running.get("/home/1").status for _ in range(4)] == [200] * 4
        until(lambda: all(read(running) for running in (one, two)), "its reads are counted")
        mbu.put("/user/1", 2)
        body = b'{"tags":["user:1"]}'
        posted = one.get("/invalidations", {"authorization": "Bearer all-key"}, "POST", body, admin=True)
        assert posted.status == 202
        until(lambda: sum(map(refreshed, (one, two))) == 2, "one composed it, the other took it over")
        for running in (one, two):
            got = running.get("/home/1")
            assert got.body == b'{"data":{"user":2,"feed":1}}'
            assert got.headers["cache-status"].endswith('detail="L1"')
        assert (mbu.calls["/user/1"], mbu.calls["/feed/1"]) == (2, 1)


def read(running: Running) -> bool:
    """Is the view known to be hot?"""
    explained = running.get("/explain?target=/home/1", admin=True).json
    return float(explained["workers"][0]["answer"]["l1"].get("heat", 0)) > 3


def refreshed(running: Running) -> int:
    """Views that were composed anew, or taken over from who did it."""
    lines = running.get("/metrics", admin=True).body.decode().splitlines()
    done = [line for line in lines if 'outcome="composed"' in line or 'outcome="taken"' in line]
    return sum(int(float(line.split()[-1])) for line in done)
