"""What one process has loaded, no other process loads again, not even after a crash."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.fleet import KEY, NAMES, declaration, fill, fleet, target
from tests.running import Mbu, Running

ONCE = Counter({target(name, "42"): 1 for name in NAMES})
DATA = {"data": {name: {"name": name, "v": 0} for name in NAMES}}


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """Eight MBUs that answer for 42."""
    with Mbu() as mbu:
        fill(mbu, "42")
        yield mbu


def status(service: Running) -> str:
    """Cache-Status of a good answer."""
    got = service.get("/home/42")
    assert (got.status, got.json) == (200, DATA)
    return got.headers["cache-status"]


def test_a_fleet_asks_each_mbu_once(mbu: Mbu, redis_url: str) -> None:
    """Cold: one call each. A second GET: none. Another process, with another answer to the same: none."""
    with fleet(mbu, redis_url) as (first, second):
        assert "fwd=uri-miss;stored" in status(first)
        assert mbu.calls == ONCE
        assert "hit;ttl=" in (again := status(first))
        assert '"L1"' in again
        assert '"L2"' in status(second)
        assert '"L1"' in status(second)
        assert first.get("/home/42").headers["etag"] == second.get("/home/42").headers["etag"]
    assert mbu.calls == ONCE


def test_after_a_crash_nothing_is_loaded_again(mbu: Mbu, redis_url: str) -> None:
    """What was in L1 is in L2 too."""
    with Running(declaration(mbu.url), redis_url, env=KEY) as service:
        status(service)
        family = service.descendants()
        service.kill()
        assert family
    with Running(declaration(mbu.url), redis_url, env=KEY, namespace=service.namespace) as service:
        assert '"L2"' in status(service)
    assert mbu.calls == ONCE


def test_the_workers_of_one_service_share_too(mbu: Mbu, redis_url: str) -> None:
    """Whichever of them a connection comes to."""
    with fleet(mbu, redis_url, count=1, workers=2) as (service,):
        tiers = Counter(status(service).rpartition("detail=")[2] for _ in range(40))
    assert mbu.calls == ONCE
    assert tiers['"L1"'] >= 38, tiers
