"""What a client gets where a part of the screen is absent, failed, or older than it should be."""

import json
from collections.abc import Iterator

import pytest

from tests.http.raw_answers import is_problem
from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
absent_for = "60s"
deadline = "300ms"
jitter = 0.0
early_refresh = 0.0
[mbus.good]
url = "$MBU"
[mbus.bad]
url = "$MBU"
[mbus.slow]
url = "$MBU"
[fragments.good]
mbu = "good"
path = "/good/{id}"
[fragments.bad]
mbu = "bad"
path = "/bad/{id}"
[fragments.slow]
mbu = "slow"
path = "/slow/{id}"
[fragments.brief]
mbu = "good"
path = "/brief/{id}"
fresh_for = "200ms"
stale_if_error = "10m"
absent_for = "200ms"
[screens.home]
path = "/home/{id}"
slots = { first = "good", bad = "bad", slow = "slow", last = "good" }
[screens.alone]
path = "/alone/{id}"
slots = { bad = "bad" }
[screens.bad]
path = "/bad/{id}"
slots = { good = "good", bad = { fragment = "bad", required = true } }
[screens.slow]
path = "/slow/{id}"
slots = { slow = { fragment = "slow", required = true } }
[screens.brief]
path = "/brief/{id}"
client_max_age = "10s"
slots = { brief = { fragment = "brief", required = true } }
[screens.maybe]
path = "/maybe/{id}"
slots = { brief = "brief" }
"""


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url) as one:
        yield one


@pytest.mark.parametrize("status", [404, 410, 204])
def test_an_absent_part_is_null_and_whole(running: Running, mbu: Mbu, id: str, status: int) -> None:
    """ "There is nothing" is an answer: no error, kept, and the MBU is not asked again."""
    mbu.put(f"/good/{id}", "good")
    mbu.put(f"/slow/{id}", "slow")
    mbu.put(f"/bad/{id}", b"", status=status)
    got, again = running.get(f"/home/{id}"), running.get(f"/home/{id}")
    assert got.status == 200
    assert got.body == again.body == b'{"data":{"first":"good","bad":null,"slow":"slow","last":"good"}}'
    assert "hit" in again.headers["cache-status"]
    assert mbu.calls[f"/bad/{id}"] == 1


def test_an_absent_part_is_asked_for_again_after_absent_for(running: Running, mbu: Mbu, id: str) -> None:
    """What was not there may have come; it is seen once absent_for is over."""
    assert running.get(f"/maybe/{id}").body == b'{"data":{"brief":null}}'
    mbu.put(f"/brief/{id}", 1)
    until(lambda: running.get(f"/maybe/{id}").body == b'{"data":{"brief":1}}', "it is there", 2.0)


def test_a_required_part_that_is_absent_makes_the_screen_404(running: Running, mbu: Mbu, id: str) -> None:
    """The screen is not there; that is kept too."""
    mbu.put(f"/good/{id}", 1)
    got, again = running.get(f"/bad/{id}"), running.get(f"/bad/{id}", {"accept": "application/msgpack"})
    assert got.status == again.status == got.json["status"] == 404
    assert got.headers["content-type"] == again.headers["content-type"] == "application/problem+json"
    assert mbu.calls[f"/bad/{id}"] == 1


def test_a_failed_part_is_null_with_an_error_beside_the_data(running: Running, mbu: Mbu, id: str) -> None:
    """Each failure is named by a pointer, with the members of RFC 9457; nobody keeps the answer as if it were whole."""
    mbu.put(f"/good/{id}", 1)
    mbu.put(f"/bad/{id}", {"secret": "s"}, status=500)
    mbu.put(f"/slow/{id}", 1, hang=True)
    got = running.get(f"/home/{id}")
    assert (got.status, got.headers["cache-control"]) == (200, "no-store")
    assert got.body.startswith(b'{"data":{"first":1,"bad":null,"slow":null,"last":1},"errors":[')
    bad, slow = got.json["errors"]
    assert (bad["pointer"], bad["status"], slow["pointer"], slow["status"]) == ("/bad", 502, "/slow", 504)
    assert all(set(error) == {"pointer", "title", "status", "detail"} and error["title"] for error in (bad, slow))
    assert b"secret" not in got.body
    assert id.encode() not in got.body
    assert "stored=?0" in got.headers["cache-status"]
    assert "incomplete" in got.headers["cache-status"]
    assert running.get(f"/home/{id}").headers["cache-control"] == "no-store"


def test_a_screen_all_of_whose_parts_failed_is_still_one(running: Running, mbu: Mbu, id: str) -> None:
    """It is answered with nothing but errors, the same again within the second in which nobody is asked."""
    mbu.put(f"/bad/{id}", 1, status=500)
    got, again = running.get(f"/alone/{id}"), running.get(f"/alone/{id}")
    assert (got.status, got.json["data"], again.status, again.body) == (200, {"bad": None}, 200, got.body)
    assert again.headers["cache-control"] == "no-store"
    assert mbu.calls[f"/bad/{id}"] == 1


def test_a_failed_part_is_tried_again_within_a_second(running: Running, mbu: Mbu, id: str) -> None:
    """Only the failed part is asked for, at most once a second, and the screen is whole again."""
    for name in ("good", "slow"):
        mbu.put(f"/{name}/{id}", 1)
    mbu.put(f"/bad/{id}", 1, status=500)
    assert "errors" in running.get(f"/home/{id}").json
    assert running.get(f"/home/{id}").json["errors"]
    assert mbu.calls[f"/bad/{id}"] == 1
    mbu.put(f"/bad/{id}", 2)
    mended = until(lambda: (got := running.get(f"/home/{id}")).json["data"]["bad"] and got, "it is whole", 1.5)
    assert mended.body == b'{"data":{"first":1,"bad":2,"slow":1,"last":1}}'
    assert mended.headers["cache-control"] == "private, no-cache"
    assert [mbu.calls[f"/{name}/{id}"] for name in ("good", "slow", "bad")] == [1, 1, 2]


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 302, "headers": {"location": "/good"}}, {"raw": b""}])
def test_a_required_part_that_failed_makes_the_screen_502(
    running: Running, mbu: Mbu, id: str, how: dict[str, object]
) -> None:
    """Without an older answer there is none; the problem says which part it was."""
    mbu.put(f"/good/{id}", 1)
    mbu.put(f"/bad/{id}", 1, **how)
    got = running.get(f"/bad/{id}")
    assert is_problem(got, 502)
    assert got.json["detail"].startswith("bad: ")
    assert got.headers["cache-status"] == 'aggregator;fwd=miss;stored=?0;detail="failed"'


def test_whoever_gets_no_screen_finds_a_line_with_its_own_request_id(running: Running, mbu: Mbu, id: str) -> None:
    """The load that failed was begun by another request; the log tells of both."""
    mbu.put(f"/bad/{id}", 1, status=500)
    names = [f"{id}-{number}" for number in range(2)]
    for name in names:
        running.get(f"/bad/{id}", {"x-request-id": name})

    def logged() -> bool:
        lines = map(json.loads, running.stderr.splitlines())
        return {line.get("request_id") for line in lines if line["event"] == "screen failed"} >= set(names)

    until(logged, "both are in the log")
    assert mbu.calls[f"/bad/{id}"] == 1


def test_a_required_part_that_is_late_makes_the_screen_504(running: Running, mbu: Mbu, id: str) -> None:
    """The MBU's deadline is the client's longest wait."""
    mbu.put(f"/slow/{id}", 1, latency=30.0)
    assert is_problem(running.get(f"/slow/{id}", timeout=2.0), 504)


@pytest.mark.parametrize("screen", ["brief", "maybe"])
def test_an_older_answer_stands_in_for_a_failure_and_says_so(running: Running, mbu: Mbu, id: str, screen: str) -> None:
    """Within stale_if_error the last answer is served, marked as stale, and not cacheable unasked."""
    mbu.put(f"/brief/{id}", "old")
    assert running.get(f"/{screen}/{id}").status == 200
    mbu.put(f"/brief/{id}", "new", status=500)
    got = until(
        lambda: (got := running.get(f"/{screen}/{id}")) and "stale" in got.headers["cache-status"] and got, "it is"
    )
    assert (got.status, got.json["data"]) == (200, {"brief": "old"})
    assert "max-age" not in got.headers["cache-control"]
    mbu.put(f"/brief/{id}", "new")
    until(lambda: running.get(f"/{screen}/{id}").json["data"]["brief"] == "new", "it is renewed", 1.7)
