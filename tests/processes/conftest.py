"""Two services on one Redis and their MBUs, shared by the proofs that leave them as they were."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def may_open(files: int) -> Iterator[None]:
    """So many connections and files, for this process and those that it starts meanwhile; skips where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < files:
        pytest.skip(f"a process may have {hard} files open here, and this takes {files}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft if soft < 0 else max(soft, files), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
