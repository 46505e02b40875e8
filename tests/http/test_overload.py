"""What a client gets where an MBU is not asked: it has too much to do already, or failed too often."""

from collections.abc import Iterator

import pytest

from tests.http.raw_answers import is_problem
from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "300ms"
[mbus.broken]
url = "$MBU"
[mbus.narrow]
url = "$MBU"
max_in_flight_per_process = 1
[fragments.n1]
mbu = "narrow"
path = "/narrow/1/{id}"
[fragments.n2]
mbu = "narrow"
path = "/narrow/2/{id}"
[fragments.n3]
mbu = "narrow"
path = "/narrow/3/{id}"
[fragments.n4]
mbu = "narrow"
path = "/narrow/4/{id}"
[fragments.broken]
mbu = "broken"
path = "/broken/{id}"
[screens.narrow]
path = "/narrow/{id}"
slots = { a = "n1", b = "n2", c = "n3", d = { fragment = "n4", required = true } }
[screens.broken]
path = "/broken/{id}"
slots = { broken = { fragment = "broken", required = true } }
"""


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url) as one:
        yield one


def test_r17_a_required_part_that_was_shed_makes_the_screen_503(running: Running, mbu: Mbu, id: str) -> None:
    """What finds no place at the MBU within the deadline is refused with Retry-After."""
    mbu.put(f"/narrow/1/{id}", 1, hang=True)
    got = running.get(f"/narrow/{id}")
    assert is_problem(got, 503)
    assert int(got.headers["retry-after"]) >= 1
    assert mbu.calls[f"/narrow/4/{id}"] == 0


def test_r34_an_mbu_that_fails_again_and_again_is_left_alone(running: Running, mbu: Mbu, id: str) -> None:
    """Its screens are 503 at once, with Retry-After, until it answers a single try."""
    for number in range(10):
        mbu.put(f"/broken/{number}{id}", 1, status=500)
        assert is_problem(running.get(f"/broken/{number}{id}"), 502)
    mbu.put(f"/broken/{id}", 1)
    got = running.get(f"/broken/{id}")
    assert is_problem(got, 503)
    assert int(got.headers["retry-after"]) >= 1
    assert mbu.calls[f"/broken/{id}"] == 0
    until(lambda: running.get(f"/broken/{id}").status == 200, "it is asked again", 3.0)
