"""Who publishes through one process and reads from another sees their own write, by the position they were given."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.http.raw_answers import is_problem
from tests.running import Got, Mbu, Running, until
from tests.servers import Valkey
from tests.tcp_proxy import TcpProxy

TEXT = """
version = 1
[defaults]
fresh_for = "10m"
stale_while_revalidate = "10m"
on_invalidation = "refresh"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
tags = ["part:{id}"]
[screens.home]
path = "/home/{id}"
slots = { part = "part" }
[screens.patient]
path = "/patient/{id}"
deadline = "20s"
client_max_age = "60s"
slots = { part = "part" }
[publishers.all]
key_env = "KEY"
tags = ["*"]
"""


class World(NamedTuple):
    """Two processes on one server; the second one follows the log by way of a proxy."""

    server: Valkey
    proxy: TcpProxy
    one: Running
    other: Running

    def publish(self, id: str) -> str:
        """By way of the first; gives the position."""
        body, key = json.dumps({"tags": [f"part:{id}"]}).encode(), {"authorization": "Bearer key"}
        got = self.one.get("/invalidations", key, "POST", body, admin=True)
        assert got.status == 202, got
        position: str = got.json["position"]
        return position

    def read(self, path: str, position: str) -> Got:
        """From the second."""
        return self.other.get(path, {"Aggregator-Min-Position": position}, timeout=30.0)


@pytest.fixture(scope="module")
def world(mbu: Mbu) -> Iterator[World]:
    text, env = TEXT.replace("$MBU", mbu.url), {"KEY": "key"}
    with (
        Valkey() as server,
        TcpProxy(server.url) as proxy,
        Running(text, server.url, env=env) as one,
        Running(text, server.url, env=env, flags=["--log-url", proxy.url], namespace=one.namespace) as other,
    ):
        yield World(server, proxy, one, other)


def held(world: World, mbu: Mbu, path: str) -> str:
    """Have the second process hold the old value in L1, and change it; gives the id."""
    id = path.rpartition("/")[2]
    mbu.put(f"/part/{id}", "old")
    until(lambda: world.other.get(path).headers["cache-status"].endswith('detail="L1"'), "L1 has it")
    mbu.put(f"/part/{id}", "new")
    return id


def test_who_reads_elsewhere_at_once_sees_what_they_wrote(world: World, mbu: Mbu, id: str) -> None:
    """Every time, whichever process applies it first; and then it is a hit."""
    path = f"/home/{id}"
    for turn in range(50):
        mbu.put(f"/part/{id}", turn)
        got = world.read(path, position := world.publish(id))
        assert (got.status, got.json) == (200, {"data": {"part": turn}})
    until(lambda: world.read(path, position).headers["cache-status"].endswith('detail="L1"'), "it is a hit")


def test_a_process_that_is_behind_is_waited_for(world: World, mbu: Mbu, id: str) -> None:
    """It answers everybody else meanwhile."""
    path = f"/patient/{id}"
    held(world, mbu, path)
    world.proxy.drop()
    try:
        position = world.publish(id)
        with ThreadPoolExecutor() as pool:
            reading = pool.submit(world.read, path, position)
            assert world.other.get(path).status == 200
            assert not reading.done()
            world.proxy.heal()
            assert reading.result().json == {"data": {"part": "new"}}
    finally:
        world.proxy.heal()


def test_who_cannot_be_answered_in_time_is_told_so(world: World, mbu: Mbu, id: str) -> None:
    """For a screen without a deadline after a second."""
    path = f"/home/{id}"
    held(world, mbu, path)
    world.proxy.drop()
    try:
        got = world.read(path, world.publish(id))
    finally:
        world.proxy.heal()
    assert is_problem(got, 503)
    assert got.headers["retry-after"] == "1"


@pytest.mark.parametrize("text", ["", "1-2", "0-1-x", "1-2-3, 1-2-3", f"{2**64}-0-0"])
def test_what_is_no_position_is_refused(world: World, id: str, text: str) -> None:
    assert is_problem(world.read(f"/home/{id}", text), 400)


def test_a_position_beyond_the_log_is_refused_at_once(world: World, id: str) -> None:
    """And not with 503, after the 20 s that there would be to wait for it."""
    epoch, ms, seq = world.publish(id).split("-")
    got = world.read(f"/patient/{id}", f"{epoch}-{int(ms) + 3_600_000}-{seq}")
    assert is_problem(got, 400)
    assert "the log ends before this position" in got.json["detail"]


def test_what_a_client_keeps_answers_no_such_request(world: World, mbu: Mbu, id: str) -> None:
    """`Vary` names the field where a client may use an answer unasked, and nowhere else."""
    mbu.put(f"/part/{id}", 1)
    varies = [world.one.get(f"/{name}/{id}").headers["vary"] for name in ("patient", "patient", "home")]
    assert ["aggregator-min-position" in vary for vary in varies] == [True, True, False]


def test_a_position_of_another_epoch_counts_as_reached(world: World, mbu: Mbu, id: str) -> None:
    """An older one, of a log that was lost, and a later one, as after a restore."""
    path = f"/home/{id}"
    held(world, mbu, path)
    older = world.publish(id)
    world.server.kill()
    world.server.start()
    got = until(lambda: (got := world.read(path, older)).status == 200 and got, "the log begins anew")
    assert got.json == {"data": {"part": "new"}}
    until(lambda: world.other.get("/readyz", admin=True).json["vouching"], "it follows the new log")
    epoch, ms, seq = world.publish(id).split("-")
    assert world.read(path, f"{int(epoch) + 60_000_000}-{ms}-{seq}").json == {"data": {"part": "new"}}
