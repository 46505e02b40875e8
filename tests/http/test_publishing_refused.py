"""Invalidations that are refused: by whom they come, and by what they say; none of them gets into the log."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.http.conftest import Plain
from tests.http.raw_answers import is_problem, split
from tests.running import Got, Mbu, Running

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
"""
PUBLISHER = """
[publishers.users]
key_env = "USERS_KEY"
tags = ["user:*"]
[publishers.slow]
key_env = "SLOW_KEY"
tags = ["slow:*"]
rate = 1
"""
KEY = "Bearer users-key"


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    env = {"USERS_KEY": "users-key", "SLOW_KEY": "slow-key"}
    with Running(TEXT.replace("$MBU", mbu.url) + PUBLISHER, redis_url, env=env) as one:
        yield one


@pytest.fixture(autouse=True)
def _nothing_is_appended(running: Running, redis_url: str) -> Iterator[None]:
    """The log is as long after a refusal as before."""
    with redis.Redis.from_url(redis_url) as client:
        before = client.xlen(f"{running.namespace}:invalidations")
        yield
        assert client.xlen(f"{running.namespace}:invalidations") == before


def post(running: Running, body: Any, authorization: str | None = KEY) -> Got:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": authorization} if authorization else {}
    return running.get("/invalidations", headers, "POST", sent, admin=True)


WRONG_KEYS = (
    """wrong|users-ke|sers-key|users-key2|users-key users-key|users-key,users-key|é|USERS-KEY|Users-Key|
users_key|users-k\u00e9y|users\u00a0key|users--key|users+key|users-key\t.|"users-key"|'users-key'|<users-key>|
users%2Dkey|dXNlcnMta2V5|users-key==|*|null|undefined|true|0|{"users-key"}|users-key;a=b|{users-key}|$USERS_KEY|
eyJhbGciOiJub25lIn0.e30.|"""
    + "a" * 8_000
)
WRONG_SCHEMES = """Basic users-key|users-key|Digest username="a"|Bearer|Bearer:users-key|Bearerusers-key|
Bearer=users-key|Token users-key|Bearer, Bearer users-key|Basic OnVzZXJzLWtleQ==|Signature users-key|
HMAC-SHA256 users-key|B\u00e9arer x"""
WRONG = [f"Bearer {key.strip()}" for key in WRONG_KEYS.split("|")] + [one.strip() for one in WRONG_SCHEMES.split("|")]


@pytest.mark.parametrize("authorization", [None, *WRONG])
def test_s09_without_a_publishers_key_it_is_401(running: Running, authorization: str | None) -> None:
    """The answer says which scheme is wanted, and nothing about the body."""
    assert len(WRONG) >= 40
    for body in ({"tags": ["user:1"]}, b"{", {"tags": [""]}):
        got = post(running, body, authorization)
        assert is_problem(got, 401)
        assert got.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("first", ["users-key", "wrong", ""])
def test_s09_of_several_keys_none_is_taken(running: Running, first: str) -> None:
    """Two Authorization lines may be read as one by whoever stands before us, and as the other one here."""
    lines = [f"authorization: Bearer {key}" for key in (first, "users-key")]
    head = ["POST /invalidations HTTP/1.1", "host: x", "connection: close", *lines, "content-length: 19", "", ""]
    assert split(running.raw("\r\n".join(head).encode() + b'{"tags":["user:1"]}', admin=True))[0] == 401


@pytest.mark.parametrize("tag", ["post:1", "*", "fragment:user", "mbu:m", "screen:home", "User:1", "user", "xuser:1"])
def test_s09_s11_a_tag_that_is_not_granted_is_403(running: Running, tag: str) -> None:
    """All tags have to be granted, or none is invalidated."""
    got = post(running, {"tags": ["user:1", tag]})
    assert is_problem(got, 403)
    assert "publishers.users" in got.json["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"tags", b'{"tags":["user:1"]', b"\xff", b'{"tags":["user:\xff"]}'])
def test_what_is_no_json_is_400(running: Running, body: bytes) -> None:
    """The body is one JSON text."""
    assert is_problem(post(running, body), 400)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "user:1",
        None,
        {},
        {"tags": []},
        {"tags": "user:1"},
        {"tags": [1]},
        {"tags": [None]},
        {"tags": ["user:1"], "tag": "x"},
        {"tags": ["user:1"], "id": 1},
        {"tags": ["user:1"], "id": "x" * 129},
        {"tags": [""]},
        {"tags": ["user:" + "x" * 252]},
        {"tags": ["user:\u00e9" + "\u00e9" * 126]},
        {"tags": ["user:\n"]},
        {"tags": ["user:\u0000"]},
        {"tags": ["user:\u0085"]},
        {"tags": ["user:1"] * 1_001},
    ],
)
def test_s11_a_body_of_another_shape_is_422(running: Running, body: Any) -> None:
    """The problem says where the mistake is."""
    got = post(running, body)
    assert is_problem(got, 422)
    assert got.json["detail"]


@pytest.mark.parametrize("size", [262_145, 300_000])
def test_s11_a_long_body_is_413(running: Running, size: int) -> None:
    """It is not read to its end, and the connection is left in order."""
    assert is_problem(post(running, b'{"tags":["' + b"x" * (size - 13) + b'"]}'), 413)
    assert running.get("/healthz", admin=True).status == 200


def test_s11_who_asks_too_often_is_told_when_to_come_back(running: Running) -> None:
    """429, by a dry run, which takes of the rate as a real one does; another publisher is none the slower."""
    asks = [
        running.get("/invalidations?dry-run", {"authorization": f"Bearer {key}"}, "POST", body, admin=True)
        for key, body in [("slow-key", b'{"tags":["slow:1"]}')] * 20 + [("users-key", b'{"tags":["user:1"]}')]
    ]
    assert asks[0].status == asks[-1].status == 200
    late = [got for got in asks[:-1] if got.status != 200]
    assert len(late) > 10
    assert all(is_problem(got, 429) and got.headers["retry-after"] == "1" for got in late)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_it_is_posted_or_405(running: Running, method: str) -> None:
    """Allow says so."""
    got = running.get("/invalidations", {"authorization": KEY}, method, admin=True)
    assert is_problem(got, 405)
    assert got.headers["allow"] == "POST"


def test_the_public_listener_takes_none(running: Running) -> None:
    """Invalidations are for the admin listener alone."""
    got = running.get("/invalidations", {"authorization": KEY}, "POST", b'{"tags":["user:1"]}')
    assert is_problem(got, 404)


def test_where_no_publishers_are_declared_it_is_403(plain: Plain) -> None:
    """The problem says how to declare one."""
    got = post(plain.running, {"tags": ["user:1"]})
    assert is_problem(got, 403)
    assert "[publishers." in got.json["detail"]
