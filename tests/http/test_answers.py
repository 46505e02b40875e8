"""What a client gets for a screen whose parts are all there: the MBUs' own bytes, and headers that tell the truth."""

from collections.abc import Iterator

import pytest

from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
jitter = 0.0
early_refresh = 0.0
[mbus.m]
url = "$MBU"
[fragments.zebra]
mbu = "m"
path = "/zebra/{id}"
[fragments.apple]
mbu = "m"
path = "/apple?of={id}"
[fragments.brief]
mbu = "m"
path = "/brief/{id}"
fresh_for = "300ms"
stale_while_revalidate = "30s"
[screens.home]
path = "/screens/home/{id}"
slots = { zebra = { fragment = "zebra", required = true }, apple = "apple", again = "zebra" }
[screens.card]
path = "/screens/card/{id}"
slots = { only = "zebra" }
client_max_age = "10s"
[screens.brief]
path = "/screens/brief/{id}"
slots = { it = "brief" }
client_max_age = "10s"
"""
ODD = (
    rb"""{"big":123456789012345678901234567890,  "f":1.0e2 , "twice":1,"twice":2 ,"u":"\u00e9\ud83d\ude00\/" , "raw":"""
    + ('"é\u2028 😀"\t}'.encode())
)


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url) as one:
        yield one


@pytest.fixture(scope="module")
def other(running: Running, mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """A second process of the fleet."""
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, namespace=running.namespace) as one:
        yield one


def test_payloads_are_the_mbus_own_bytes_in_declared_order(running: Running, mbu: Mbu, id: str) -> None:
    """White space, large integers, escapes and repeated members inside a payload arrive as they were sent."""
    mbu.put(f"/zebra/{id}", b" \n" + ODD + b"\r\n")
    mbu.put(f"/apple?of={id}", b"[1, 2.50 ,\n-0]")
    got = running.get(f"/screens/home/{id}")
    assert got.status == 200
    assert got.body == b'{"data":{"zebra":' + ODD + b',"apple":[1, 2.50 ,\n-0],"again":' + ODD + b"}}"
    assert got.headers["content-type"] == "application/json"
    assert running.get(f"/screens/home/{id}").body == got.body


@pytest.mark.parametrize("payload", [b"null", b"0", b'""', b"[]", b"{}", b"false", b"-1.0E+300", b'"data"'])
def test_r36_every_json_text_is_a_payload(running: Running, mbu: Mbu, id: str, payload: bytes) -> None:
    """A payload need not be an object."""
    mbu.put(f"/zebra/{id}", payload)
    assert running.get(f"/screens/card/{id}").body == b'{"data":{"only":' + payload + b"}}"


def test_each_mbu_is_asked_once_for_all_screens_and_processes(
    running: Running, other: Running, mbu: Mbu, id: str
) -> None:
    """A fragment is cached once, whatever slots of whatever screens it fills."""
    mbu.put(f"/zebra/{id}", 1)
    mbu.put(f"/apple?of={id}", 2)
    for path in (f"/screens/home/{id}", f"/screens/card/{id}") * 2:
        assert running.get(path).body == other.get(path).body
    assert (mbu.calls[f"/zebra/{id}"], mbu.calls[f"/apple?of={id}"]) == (1, 1)


def test_cache_status_tells_a_miss_from_a_hit_and_its_tier(running: Running, other: Running, mbu: Mbu, id: str) -> None:
    """RFC 9211: why it was forwarded, or that it is a hit, and of which tier."""
    path = f"/screens/card/{id}"
    mbu.put(f"/zebra/{id}", 1)
    assert running.get(path).headers["cache-status"] == 'aggregator;fwd=uri-miss;stored;detail="MBU only"'
    hit = running.get(path).headers["cache-status"]
    assert hit.startswith("aggregator;hit;ttl=")
    assert hit.endswith(';detail="L1"')
    assert other.get(path).headers["cache-status"].endswith(';detail="L2"')
    assert other.get(path).headers["cache-status"].endswith(';detail="L1"')


def test_a_stale_answer_says_so_and_is_renewed_behind(running: Running, mbu: Mbu, id: str) -> None:
    """Within stale-while-revalidate the old value comes at once, marked, and the new one soon after."""
    path = f"/screens/brief/{id}"
    mbu.put(f"/brief/{id}", "old")
    fresh = running.get(path)
    assert fresh.headers["cache-control"] == "private, max-age=0"
    mbu.put(f"/brief/{id}", "new", latency=0.2)
    stale = until(lambda: (got := running.get(path)).headers["cache-status"].endswith('stale"') and got, "it is stale")
    assert stale.json == {"data": {"it": "old"}}
    assert stale.headers["cache-control"] == "private, no-cache"
    assert "ttl=-" in stale.headers["cache-status"]
    renewed = until(lambda: (got := running.get(path)).json["data"]["it"] == "new" and got, "it is renewed")
    assert "hit" in renewed.headers["cache-status"]


def test_clients_ask_again_unless_the_screen_says_otherwise(running: Running, mbu: Mbu, id: str) -> None:
    """Without client_max_age every use is checked with us; with it, only when it is over."""
    mbu.put(f"/zebra/{id}", 1)
    mbu.put(f"/apple?of={id}", 1)
    assert running.get(f"/screens/home/{id}").headers["cache-control"] == "private, no-cache"
    assert running.get(f"/screens/card/{id}").headers["cache-control"] == "private, max-age=10"


def test_s02_what_is_not_declared_changes_nothing_and_reaches_no_mbu(running: Running, mbu: Mbu, id: str) -> None:
    """Query, cookies, credentials and a client's wish for a reload are not inputs of a screen."""
    mbu.put(f"/zebra/{id}", 1)
    plain = running.get(f"/screens/card/{id}")
    hostile = {
        "cookie": "session=1",
        "authorization": "Bearer x",
        "cache-control": "no-cache",
        "pragma": "no-cache",
        "x-forwarded-for": "1.2.3.4",
        "x-forwarded-proto": "https",
        "range": "bytes=0-3",
        "accept-language": "fr",
    }
    got = running.get(f"/screens/card/{id}?debug=1&id=7", hostile)
    assert (got.status, got.body, got.headers["etag"]) == (200, plain.body, plain.headers["etag"])
    [seen] = [seen for seen in mbu.seen if seen.target == f"/zebra/{id}"]
    assert set(seen.headers) <= {"host", "accept", "accept-encoding", "user-agent", "cdn-loop"}
    cold = running.get(f"/screens/home/{id}?debug=1", hostile)
    assert cold.json["data"]["zebra"] == 1
    assert set(mbu.seen[-1].headers) <= {"host", "accept", "accept-encoding", "user-agent", "cdn-loop"}


@pytest.mark.parametrize("given", ["abc-1.2:3_4", "x" * 128])
def test_a_request_id_is_handed_back(running: Running, given: str) -> None:
    """The client's own id is in the answer, whatever its status."""
    for path in ("/healthz", "/nowhere"):
        assert running.get(path, {"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "a;b", "é", "<script>", "a,b", "%0d%0aset-cookie:1"])
def test_a_hostile_request_id_is_replaced(running: Running, given: str) -> None:
    """What is no id is not repeated, in headers or in the log; a new one stands in its place."""
    said = running.get("/nowhere", {"X-Request-Id": given.encode("latin-1")}).headers["x-request-id"]  # type: ignore[dict-item]
    assert said != given
    assert len(said) == 16


def test_new_request_ids_differ(running: Running) -> None:
    """A request without an id gets one of its own."""
    assert len({running.get("/healthz").headers["x-request-id"] for _ in range(5)}) == 5
