"""A screen may tell nothing of the cache: who came first and who came later get the same answer."""

import time
from collections.abc import Iterator

import pytest

from tests.running import Mbu, Running
from tests.samples.tokens import SECRET, bearer

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[viewer]
keys = [{ algorithm = "HS256", secret_env = "TOKENS" }]
[mbus.m]
url = "$MBU"
[fragments.cart]
mbu = "m"
path = "/carts/{viewer.sub}/{id}"
[screens.silent]
path = "/silent/{id}"
slots = { cart = "cart" }
cache_headers = false
[screens.needed]
path = "/needed/{id}"
slots = { cart = { fragment = "cart", required = true } }
cache_headers = false
[screens.open]
path = "/open/{id}"
slots = { cart = "cart" }
"""
TELLING = {"cache-status", "age", "aggregator-slots"}
VIEWER = {"authorization": bearer({"sub": "u1", "exp": time.time() + 3_600})}
OF_ITS_OWN = {"date", "x-request-id"}
LONG = ["A text that is worth a coding"] * 700


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, env={"TOKENS": SECRET.decode()}) as one:
        yield one


def told(more: dict[str, str]) -> dict[str, str]:
    """Header lines of a viewer's request."""
    return {**VIEWER, **{name.replace("_", "-"): value for name, value in more.items()}}


def asked(running: Running, path: str, **more: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """The whole answer, header lines in order, but for its date and id."""
    got = running.get(path, told(more))
    return got.status, [line for line in got.headers.items() if line[0] not in OF_ITS_OWN], got.body


def count(running: Running, path: str) -> int:
    """What the id of an answer says, whose first half is the same for all."""
    return int(running.get(path, VIEWER).headers["x-request-id"], 16)


@pytest.mark.parametrize("failing", [False, True])
def test_s30_a_hit_of_a_silent_screen_is_no_other_answer_than_a_miss(
    running: Running, mbu: Mbu, id: str, failing: bool
) -> None:
    """Loaded, out of L1, and for who has a copy; also where its part failed."""
    target = f"/carts/u1/{id}"
    mbu.put(target, "mine", status=500 if failing else 200)
    first, second, third = (asked(running, f"/silent/{id}") for _ in range(3))
    assert first == second == third
    status, lines, _ = first
    assert (status, TELLING & dict(lines).keys()) == (200, set())
    assert mbu.calls[target] == 1
    if not failing:
        status, lines, _ = asked(running, f"/silent/{id}", if_none_match=dict(lines)["etag"])
        assert (status, TELLING & dict(lines).keys()) == (304, set())


@pytest.mark.parametrize("accept", ["application/json", "application/msgpack"])
@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_s30_nor_does_the_form_of_an_answer_tell(running: Running, mbu: Mbu, id: str, accept: str, coding: str) -> None:
    """A coding would be made behind the first answer, for those that come later alone."""
    mbu.put(f"/carts/u1/{id}", LONG)
    takes = {"accept": accept, "accept_encoding": coding}
    same = asked(running, f"/silent/{id}", **takes)
    assert [asked(running, f"/silent/{id}", **takes) for _ in range(20)] == [same] * 20
    assert dict(same[1])["content-type"] == accept


@pytest.mark.parametrize("own", [{}, {"x_request_id": "own"}, {"x_request_id": "not one"}])
def test_s30_nor_do_request_ids_tell(running: Running, mbu: Mbu, id: str, own: dict[str, str]) -> None:
    """All requests are counted together: each is one, be it a hit or not."""
    mbu.put(f"/carts/u1/{id}", "mine")
    counts = [count(running, "/healthz")]
    for _ in range(3):
        running.get(f"/silent/{id}", told(own))
        counts += [count(running, "/healthz"), count(running, f"/silent/{id}")]
    assert [one - counts[0] for one in counts] == [0, 2, 3, 5, 6, 8, 9]


def test_s30_a_silent_screen_that_fails_tells_nothing_either(running: Running, mbu: Mbu, id: str) -> None:
    """The problem says what failed, and not how it was had."""
    mbu.put(f"/carts/u1/{id}", None, status=500)
    status, lines, _ = asked(running, f"/needed/{id}")
    assert (status, TELLING & dict(lines).keys()) == (502, set())


def test_s30_a_screen_that_says_nothing_of_it_tells(running: Running, mbu: Mbu, id: str) -> None:
    """Cache-Status and the rest are there unless they are switched off."""
    mbu.put(f"/carts/u1/{id}", "mine")
    assert running.get(f"/open/{id}", VIEWER).headers.keys() >= TELLING
