"""The service and its commands as users who have the rights that docs/operating.md gives them, and no other."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from aggregator.publisher import SyncPublisher
from aggregator.publisher.sync_log import SyncLog
from tests.rights import denied, give, granted
from tests.running import ROOT, Got, Mbu, Running, until
from tests.samples.tokens import pem, private, signed
from tests.servers import valkey

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[[viewer.keys]]
algorithm = "ES256"
public_key_file = "$PEM"
[publishers.all]
key_env = "KEY"
tags = ["*"]
[mbus.m]
url = "$MBU"
[fragments.user]
mbu = "m"
path = "/users/{id}"
tags = ["user:{id}"]
[fragments.cart]
mbu = "m"
path = "/carts/{viewer.sub}"
[screens.home]
path = "/home/{id}"
slots = { user = "user" }
[screens.cart]
path = "/cart"
slots = { cart = "cart" }
"""
PASSWORD = "s3cret"


class Guarded:
    """A server on which the service, and an MBU that publishes to the log, are users of their own."""

    def __init__(self, url: str) -> None:
        self.namespace = f"t{uuid.uuid4().hex[:12]}"
        self.behind = redis.Redis.from_url(url, decode_responses=True)
        self._url = url
        for user in ("aggregator", "publisher"):
            give(self.behind, user, self.namespace, user, password=f">{PASSWORD}")

    def url(self, user: str) -> str:
        """The server, for a user."""
        return self._url.replace("unix://", f"unix://{user}:{PASSWORD}@")

    def called(self) -> set[str]:
        """The commands that anybody called, scripts among them."""
        return {name.removeprefix("cmdstat_") for name in self.behind.info("commandstats")}


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    with Mbu() as one:
        yield one


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    """One of a test's own."""
    with valkey() as url:
        guarded = Guarded(url)
        with guarded.behind:
            yield guarded


def test_s25_the_documented_rights_are_enough_and_each_is_needed(guarded: Guarded, mbu: Mbu, tmp_path: Path) -> None:
    """Cold, kept, invalidated, refreshed, noted as hot, warmed and forgotten: nothing is denied."""
    key = tmp_path / "ec.pem"
    key.write_bytes(pem(private("ES256")))
    text = TEXT.replace("$MBU", mbu.url).replace("$PEM", str(key))
    env = {"KEY": "k", "AGGREGATOR_REDIS_URL": guarded.url("aggregator")}
    anna = {"authorization": "Bearer " + signed({"sub": "anna", "exp": time.time() + 600}, private("ES256"), "ES256")}
    mbu.put("/users/1", 1)
    mbu.put("/carts/anna", 1)
    flags = ["--refresh-budget", "100", "--log-retention", "1s"]
    with Running(text, env=env, flags=flags, namespace=guarded.namespace) as running:
        until(lambda: running.get("/readyz", admin=True).json["vouching"], "it reads the log")
        assert [tier(running.get("/home/1")) for _ in range(4)] == ['"MBU user"', *['"L1"'] * 3]
        assert running.get("/cart", anna).json == {"data": {"cart": 1}}
        mbu.put("/users/1", 2)
        with SyncPublisher(guarded.url("publisher"), guarded.namespace) as publisher:
            publisher.invalidate(["user:1"])
        until(lambda: mbu.calls["/users/1"] == 2, "it is composed anew, with nobody waiting")
        until(lambda: running.get("/home/1").json == {"data": {"user": 2}}, "what was is overtaken")
        until(lambda: guarded.behind.zcard(f"{guarded.namespace}:hot"), "it is noted as hot", seconds=20.0)
        command = [sys.executable, "-m", "aggregator"]
        warm = [*command, "warm", str(running.file), "--hot", "--namespace", guarded.namespace]
        subprocess.run(warm, env={**running.env, **env}, cwd=ROOT, check=True, capture_output=True)
    with Running(text, env=env, flags=flags, namespace=guarded.namespace) as running:
        assert tier(running.get("/home/1")) == '"L1"'
        forget = [*command, "forget", "anna", "--namespace", guarded.namespace]
        done = subprocess.run(forget, env={**running.env, **env}, cwd=ROOT, check=True, capture_output=True, text=True)
        assert done.stdout.split()[1:] == ["2", "entries", "deleted"]
    assert denied(guarded.behind) == []
    assert granted("aggregator") - guarded.called() == set()


def tier(got: Got) -> str:
    """Where an answer is from."""
    return got.headers["cache-status"].rpartition("=")[2]


def test_s25_a_publisher_has_the_log_and_nothing_else(guarded: Guarded) -> None:
    """It begins a log that there is not, and appends; entries are not for it."""
    log = SyncLog(guarded.url("publisher"), guarded.namespace, 5.0, "memory")
    log.ping()
    assert len(log.append_all([{"tags": '["a"]'}])) == 1
    log.close()
    assert denied(guarded.behind) == []
    with (
        redis.Redis.from_url(guarded.url("publisher"), driver_info=None) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.get(f"{guarded.namespace}:view:home:{{1}}")


def test_s25_what_is_denied_is_told(guarded: Guarded, mbu: Mbu, tmp_path: Path) -> None:
    """A user with no right to the entries' keys: the log line says so, and screens come from the MBUs."""
    log = f"{guarded.namespace}:invalidations"
    guarded.behind.execute_command("ACL", "SETUSER", "aggregator", "resetkeys", f"~{log}", f"~{{{log}}}:*")
    mbu.put("/users/1", 1)
    (tmp_path / "ec.pem").write_bytes(pem(private("ES256")))
    text = TEXT.replace("$MBU", mbu.url).replace("$PEM", str(tmp_path / "ec.pem"))
    env = {"KEY": "k", "AGGREGATOR_REDIS_URL": guarded.url("aggregator")}
    with Running(text, env=env, namespace=guarded.namespace) as running:
        assert running.get("/home/1").json == {"data": {"user": 1}}
        lines = until(lambda: [line for line in running.stderr.splitlines() if "l2_away" in line], "it says so")
        assert "NOPERM" in lines[0]
