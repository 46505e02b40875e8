"""Wrong answers of an MBU: each is a failed slot with its reason, nothing is stored, nothing else is disturbed."""

import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "400ms"
[mbus.good]
url = "$MBU"
[mbus.odd]
url = "$MBU"
max_payload = "64KiB"
[fragments.good]
mbu = "good"
path = "/good/{id}"
[fragments.odd]
mbu = "odd"
path = "/odd/{id}"
[fragments.right]
mbu = "odd"
path = "/right/{id}"
[screens.right]
path = "/right/{id}"
slots = { right = "right" }
[screens.home]
path = "/home/{id}"
slots = { before = "good", odd = "odd", after = "good" }
"""
OK = b"HTTP/1.1 200 OK\r\n"
LONG = b'"' + b"x" * 70_000 + b'"'
BOMB = gzip.compress(b'"' + b"x" * 50_000_000 + b'"')

NO_JSON = {
    "empty": b"",
    "white space": b" \n",
    "NaN": b'{"a":NaN}',
    "Infinity": b"[-Infinity]",
    "beyond a double": b"[1e400]",
    "truncated": b'{"a":[1,2',
    "bad UTF-8": b'"\xff\xfe"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "too deep": b"[" * 10_000 + b"]" * 10_000,
    "two texts": b"{} {}",
    "an escape out": b'1}},"errors":[],"x":{"y":{"z":1',
    "single quotes": b"{'a':1}",
    "comment": b"{} // done",
    "trailing comma": b"[1,]",
    "leading zero": b"01",
    "control in a string": b'"a\nb"',
    "HTML": b"<html>Welcome</html>",
}
WRONG: dict[str, dict[str, Any]] = {
    "over max_payload": {"value": LONG},
    "over max_payload, chunked": {"raw": OK + b"transfer-encoding: chunked\r\n\r\n11171\r\n" + b"x" * 70_001},
    "a compressed bomb": {"value": BOMB, "headers": {"content-encoding": "gzip"}},
    "another coding": {"value": b"1", "headers": {"content-encoding": "br"}},
    "no gzip": {"value": b"1", "headers": {"content-encoding": "gzip"}},
    "a cut gzip": {"value": gzip.compress(b"1" * 100)[:-9], "headers": {"content-encoding": "gzip"}},
    "a redirect": {"value": b"1", "status": 302, "headers": {"location": "/good/1"}},
    "a permanent redirect": {"value": b"1", "status": 308, "headers": {"location": "http://169.254.169.254/"}},
    "304 unasked": {"raw": b"HTTP/1.1 304 Not Modified\r\n\r\n"},
    "500": {"value": b"1", "status": 500},
    "429": {"value": b"1", "status": 429},
    "401": {"value": b"1", "status": 401},
    "202": {"value": b"1", "status": 202},
    "206": {"value": b"1", "status": 206},
    "cut before the head": {"raw": b""},
    "cut in the head": {"raw": OK + b"content-le"},
    "cut in the body": {"raw": OK + b"content-length: 10\r\n\r\n[1]"},
    "cut in a chunk": {"raw": OK + b"transfer-encoding: chunked\r\n\r\n5\r\n[1]"},
    "cut between chunks": {"raw": OK + b"transfer-encoding: chunked\r\n\r\n3\r\n[1]\r\n"},
    "reset": {"raw": b"", "reset": True},
    "reset in the body": {"raw": OK + b"content-length: 10\r\n\r\n[1]", "reset": True},
    "no HTTP": {"raw": b"220 mail.example ESMTP\r\n"},
    "an endless head": {"raw": OK + b"x: y\r\n" * 20_000},
    "two lengths": {"raw": OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n11"},
}
LATE: dict[str, dict[str, Any]] = {
    "hung before the head": {"hang": True},
    "hung in the head": {"hang": True, "raw": OK + b"x: "},
    "hung in the body": {"hang": True, "raw": OK + b"content-length: 10\r\n\r\n[1]"},
    "slow": {"latency": 30.0},
}


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, flags=["--log-level", "warning"]) as one:
        yield one


@pytest.fixture(autouse=True)
def answered(running: Running, mbu: Mbu, id: str) -> None:
    """A right answer before each test, lest so many wrong ones in a row open the breaker."""
    mbu.put(f"/right/{id}", 1)
    assert running.get(f"/right/{id}").body == b'{"data":{"right":1}}'


def fails(running: Running, mbu: Mbu, id: str, status: int) -> str:
    """The odd part fails with that status, the others are right; the reason is given."""
    mbu.put(f"/good/{id}", b'{"n": 1.0}')
    got = running.get(f"/home/{id}")
    assert got.status == 200
    assert got.body.startswith(b'{"data":{"before":{"n": 1.0},"odd":null,"after":{"n": 1.0}},"errors":[')
    [error] = got.json["errors"]
    assert (error["pointer"], error["status"]) == ("/odd", status)
    assert got.headers["cache-control"] == "no-store"
    assert mbu.calls[f"/good/{id}"] == 1
    detail: str = error["detail"]
    return detail


@pytest.mark.parametrize("case", NO_JSON)
def test_r36_what_is_no_json_is_no_payload(running: Running, mbu: Mbu, id: str, case: str) -> None:
    """It is told as that, without any of it, and none of it reaches the client."""
    mbu.put(f"/odd/{id}", NO_JSON[case])
    assert re.fullmatch(r"odd: not JSON: [ -~]+ at byte \d+ of \d+", fails(running, mbu, id, 502))


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_is_a_failed_slot(running: Running, mbu: Mbu, id: str, case: str) -> None:
    """Whatever an MBU does, its own slot fails with 502, and no other."""
    mbu.put(f"/odd/{id}", WRONG[case].get("value", b"null"), **{k: v for k, v in WRONG[case].items() if k != "value"})
    detail = fails(running, mbu, id, 502)
    assert detail.startswith("odd: ")
    assert id not in detail
    assert mbu.calls[f"/odd/{id}"] <= 2, "one retry, and only on a connection that was kept alive"
    assert not [seen for seen in mbu.seen if seen.target == "/good/1"], "a redirect is not followed"


@pytest.mark.parametrize("case", LATE)
def test_a_late_answer_is_a_failed_slot(running: Running, mbu: Mbu, id: str, case: str) -> None:
    """An MBU that hangs costs its deadline, and 504."""
    mbu.put(f"/odd/{id}", b"1", **LATE[case])
    fails(running, mbu, id, 504)


@pytest.mark.parametrize("how", [{"value": b"{"}, {"value": LONG}, {"raw": b"", "reset": True}, {"hang": True}])
def test_r19_a_wrong_answer_is_not_stored(running: Running, mbu: Mbu, id: str, how: dict[str, Any]) -> None:
    """The next request a second later asks again, and has the right one; the other parts were kept."""
    mbu.put(f"/odd/{id}", **{"value": b"null", **how})
    fails(running, mbu, id, 504 if "hang" in how else 502)
    mbu.put(f"/odd/{id}", 2)
    body = b'{"data":{"before":{"n": 1.0},"odd":2,"after":{"n": 1.0}}}'
    until(lambda: running.get(f"/home/{id}").body == body, "it is whole", 1.5)
    assert mbu.calls[f"/good/{id}"] == 1


def test_a_payload_may_be_as_large_as_max_payload(running: Running, mbu: Mbu, id: str) -> None:
    """To the byte, decompressed or not."""
    most = b'"' + b"x" * (64 * 1024 - 2) + b'"'
    mbu.put(f"/good/{id}", 1)
    mbu.put(f"/odd/{id}", gzip.compress(most), headers={"content-encoding": "gzip"})
    assert running.get(f"/home/{id}").body == b'{"data":{"before":1,"odd":' + most + b',"after":1}}'


def test_the_log_names_the_failure_and_no_user(running: Running, mbu: Mbu, id: str) -> None:
    """MBU, fragment and reason are in the log with the request's id; key and payload are not."""
    mbu.put(f"/odd/{id}", b'{"secret')
    mbu.put(f"/good/{id}", 1)
    running.get(f"/home/{id}", {"x-request-id": f"request-{id}"})
    line = until(lambda: [one for one in running.stderr.splitlines() if f"request-{id}" in one], "it is logged", 2.0)
    assert all(word in line[0] for word in ('"mbu": "odd"', '"fragment": "odd"', '"reason": "payload"'))
    assert "secret" not in running.stderr
