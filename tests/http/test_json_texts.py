"""What is JSON is served byte for byte, and what is none is an MBU's failure, of which nothing is kept."""

from collections.abc import Iterator

import pytest
import redis

from tests.http.raw_answers import is_problem
from tests.mbu import Mbu
from tests.running import Running
from tests.samples.json_texts import NO_TEXTS, TEXTS

TEXT = """
version = 1
[defaults]
fresh_for = "10m"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
[screens.page]
path = "/page/{id}"
slots = { it = { fragment = "part", required = true } }
"""


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, flags=["--log-level", "error"]) as one:
        yield one


@pytest.mark.parametrize("times", [1, 2])
def test_r36_every_text_is_served_as_it_is(running: Running, mbu: Mbu, times: int) -> None:
    """When it comes from the MBU, and when it is a hit; white space around it is no part of it."""
    for number, text in enumerate(TEXTS):
        mbu.put(f"/part/y{number}", text)
        got = running.get(f"/page/y{number}")
        assert (got.status, got.body) == (200, b'{"data":{"it":' + text.strip() + b"}}"), text[:80]
        assert mbu.calls[f"/part/y{number}"] == 1


def test_r36_what_is_no_text_is_a_failure_and_kept_nowhere(running: Running, mbu: Mbu, redis_url: str) -> None:
    """Each is 502, the worker lives, and L2 has nothing of them but that they failed, for a second."""
    family = running.descendants()
    for number, text in enumerate(NO_TEXTS):
        mbu.put(f"/part/n{number}", text)
        assert is_problem(running.get(f"/page/n{number}"), 502), text[:80]
        assert mbu.calls[f"/part/n{number}"] == 1, "it is refused as a payload, and not asked for again"
    assert running.descendants() == family
    with redis.Redis.from_url(redis_url) as client:
        kept = [name for name in client.scan_iter(f"{running.namespace}:*") if b":lease" not in name]
    entries = [name for name in kept if b":fragment:" in name or b":view:" in name]
    assert len(entries) in (0, 2 * len(TEXTS))  # of those that are texts, if they were asked for before
