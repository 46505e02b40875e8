"""What an MBU says about its own answers: validators, shorter lifetimes, what is not to be kept, and tags."""

import json
from collections.abc import Iterator

import pytest
import redis

from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
jitter = 0.0
early_refresh = 0.0
[mbus.m]
url = "$MBU"
headers = { x-api-key = { env = "API_KEY" }, x-fixed = "a b" }
[fragments.part]
mbu = "m"
path = "/part/{id}"
[fragments.brief]
mbu = "m"
path = "/brief/{id}"
fresh_for = "200ms"
stale_if_error = "1m"
[screens.home]
path = "/home/{id}"
slots = { part = "part" }
[screens.brief]
path = "/brief/{id}"
slots = { brief = "brief" }
"""


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, env={"API_KEY": "the-key"}) as one:
        yield one


def test_declared_headers_are_sent(running: Running, mbu: Mbu, id: str) -> None:
    """Credentials come from the environment; they are shown nowhere."""
    mbu.put(f"/part/{id}", 1, status=500)
    got = running.get(f"/home/{id}")
    [seen] = [seen for seen in mbu.seen if seen.target == f"/part/{id}"]
    assert (seen.headers["x-api-key"], seen.headers["x-fixed"]) == ("the-key", "a b")
    assert "the-key" not in running.stderr + str(got) + running.get("/metrics", admin=True).body.decode()


@pytest.mark.parametrize(
    ("named", "condition"),
    [
        ({"ETag": '"v1"'}, ("if-none-match", '"v1"')),
        ({"ETag": 'W/"v1"'}, ("if-none-match", 'W/"v1"')),
        ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, ("if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT")),
    ],
)
def test_an_mbus_validators_are_used(
    running: Running, mbu: Mbu, id: str, named: dict[str, str], condition: tuple[str, str]
) -> None:
    """What expired is asked for on condition; a 304 renews it, and a 200 replaces it."""
    mbu.put(f"/brief/{id}", "same", headers=named)
    assert running.get(f"/brief/{id}").status == 200
    until(lambda: running.get(f"/brief/{id}").status and mbu.calls[f"/brief/{id}"] == 3, "it was renewed twice", 2.0)
    second, third = [seen.headers for seen in mbu.seen if seen.target == f"/brief/{id}"][1:]
    assert second[condition[0]] == third[condition[0]] == condition[1]
    mbu.put(f"/brief/{id}", "other", headers={"ETag": '"v2"'})
    until(lambda: running.get(f"/brief/{id}").json == {"data": {"brief": "other"}}, "it is replaced", 2.0)


NOT_KEPT = [
    {"Cache-Control": "no-store"},
    {"Cache-Control": "private"},
    {"Cache-Control": 'max-age=60, private="x-user"'},
    {"Cache-Control": "NO-STORE, max-age=60"},
    {"Set-Cookie": "session=1"},
]


@pytest.mark.parametrize("headers", NOT_KEPT, ids=str)
def test_what_an_mbu_will_not_have_kept_is_not(running: Running, mbu: Mbu, id: str, headers: dict[str, str]) -> None:
    """Each view asks again, and no one downstream keeps it; the MBU's headers do not reach the client."""
    for value in (1, 2):
        mbu.put(f"/part/{id}", value, headers=headers)
        got = running.get(f"/home/{id}")
        assert got.json == {"data": {"part": value}}
        assert got.headers["cache-control"] == "no-store"
        assert "set-cookie" not in got.headers
    assert mbu.calls[f"/part/{id}"] == 2


def test_an_mbu_may_shorten_a_lifetime(running: Running, mbu: Mbu, id: str) -> None:
    """max-age below fresh_for counts, with the Age of the answer taken off."""
    mbu.put(f"/part/{id}", 1, headers={"Cache-Control": "max-age=21", "Age": "20"})
    running.get(f"/home/{id}")
    assert "ttl=0" in running.get(f"/home/{id}").headers["cache-status"]
    mbu.put(f"/part/{id}", 2)
    until(lambda: running.get(f"/home/{id}").json == {"data": {"part": 2}}, "it expired", 2.0)


def test_an_mbu_cannot_lengthen_a_lifetime(running: Running, mbu: Mbu, id: str) -> None:
    """What is declared is the most there is."""
    mbu.put(f"/brief/{id}", 1, headers={"Cache-Control": "max-age=3600, immutable"})
    running.get(f"/brief/{id}")
    mbu.put(f"/brief/{id}", 2)
    until(lambda: running.get(f"/brief/{id}").json == {"data": {"brief": 2}}, "it expired", 1.0)


@pytest.mark.parametrize(
    ("name", "value"), [("Cache-Tag", "a-{},b"), ("Surrogate-Key", "b a-{}"), ("Cache-Groups", '"b", "a-{}"')]
)
def test_an_mbu_may_add_tags(running: Running, mbu: Mbu, redis_url: str, id: str, name: str, value: str) -> None:
    """The tags that an answer brings count like declared ones."""
    mbu.put(f"/part/{id}", 1, headers={name: value.format(id)})
    running.get(f"/home/{id}")
    mbu.put(f"/part/{id}", 2)
    assert running.get(f"/home/{id}").json == {"data": {"part": 1}}
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(f"{running.namespace}:invalidations", {"tags": json.dumps([f"a-{id}"])})
    until(lambda: running.get(f"/home/{id}").json == {"data": {"part": 2}}, "it is followed", 0.25, every=0.005)
