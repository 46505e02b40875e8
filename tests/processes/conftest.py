"""Two services on one Redis and their MBUs, shared by the proofs that leave them as they were."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.fleet import fleet
from tests.running import Mbu, Running


class Pair(NamedTuple):
    """Two processes of one fleet. A test asks for screens of its own, by ids that no other test uses."""

    mbu: Mbu
    services: list[Running]


@pytest.fixture(scope="session")
def started_pair(redis_url: str) -> Iterator[Pair]:
    """The two, started once."""
    with Mbu() as mbu, fleet(mbu, redis_url) as services:
        yield Pair(mbu, services)


@pytest.fixture
def pair(started_pair: Pair) -> Pair:
    """The two, and counts that begin at nothing."""
    started_pair.mbu.forget()
    return started_pair
