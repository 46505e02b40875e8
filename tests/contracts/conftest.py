"""Fixtures of the contract suites: each implementation of a seam in turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.cluster import Cluster, cluster
from tests.contracts.tier_worlds import ClusterWorld, FakeRedisWorld, GuardedWorld, LocalWorld, ServerWorld, World
from tests.servers import KINDS, emptied, valkey


@pytest.fixture(scope="session")
def _started() -> Iterator[Callable[[str], str]]:
    """The URL of a kind of server, started when it is first asked for."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(valkey(kind=kind)))


@pytest.fixture
def url_of(_started: Callable[[str], str]) -> Callable[[str], str | None]:
    """The URL of a kind of server, emptied; None for the kinds of things that are none."""
    return lambda kind: emptied(_started(kind)) if kind in KINDS else None


@pytest.fixture(scope="session")
def _started_cluster() -> Iterator[Callable[[str], Cluster]]:
    """The Cluster of a kind of server, started when it is first asked for."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(cluster(kind)))


@pytest.fixture
def cluster_of(_started_cluster: Callable[[str], Cluster]) -> Callable[[str], Cluster]:
    """The Cluster of a kind of server, emptied."""
    return lambda kind: _started_cluster(kind).emptied()


@pytest.fixture(params=KINDS)
def clean_redis_url(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """Each kind of server, empty: nothing writes to it but the test."""
    return url_of(request.param)


@pytest.fixture(params=["local", "guarded", "fakeredis", *KINDS, "cluster"])
def world(
    request: pytest.FixtureRequest, url_of: Callable[[str], str | None], cluster_of: Callable[[str], Cluster]
) -> Iterator[World]:
    """Each implementation of L2, empty."""
    match request.param:
        case "local":
            yield LocalWorld()
        case "guarded":
            yield GuardedWorld()
        case "cluster":
            cluster_world = ClusterWorld(cluster_of("valkey").url)
            yield cluster_world
            cluster_world.client.close()
        case kind:
            url = url_of(kind)
            redis_world = ServerWorld(url) if url else FakeRedisWorld()
            yield redis_world
            redis_world.client.close()
