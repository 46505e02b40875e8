"""Cookies that an MBU sets are for nobody: one answer is many readers', and a load is made for all of them."""

import pytest
import redis

from tests.http.conftest import Plain

COOKIE = "session=canary7f3a; Path=/; HttpOnly"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_s08_a_cookie_of_an_mbu_is_in_no_answer(plain: Plain, id: str, status: int) -> None:
    """Neither in a header nor in Redis, whatever came with it; nor is it sent to the MBU with the next load."""
    target = f"/base/part/{id}/end"
    headers = {"set-cookie": COOKIE, "cache-control": "max-age=60", "x-other": COOKIE, "etag": '"1"'}
    plain.mbu.put(target, {"of": id}, status=status, headers=headers)
    for accept in ("*/*", "application/msgpack", "*/*"):
        for method in ("GET", "HEAD"):
            got = plain.running.get(f"/card/{id}", {"accept": accept, "cookie": "session=other"}, method)
            assert "canary" not in str(got)
            assert "set-cookie" not in got.headers
    assert status != 200 or plain.mbu.calls[target] == 6  # it may not be kept for others at all
    plain.mbu.put(target, {"of": "another"})
    plain.running.get(f"/home/{id}")
    assert all("cookie" not in seen.headers for seen in plain.mbu.seen)
    with redis.Redis.from_url(plain.running.redis_url) as client:
        names = client.keys(f"{plain.running.namespace}:*")
        strings = [name for name in names if client.type(name) == b"string"]
        assert all(b"canary" not in value for value in client.mget(strings) if value)
