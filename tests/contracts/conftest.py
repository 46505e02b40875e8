"""Fixtures of the contract suites: each implementation of a seam in turn."""

from collections.abc import Iterator

import pytest

from tests.contracts.tier_worlds import FakeRedisWorld, GuardedWorld, LocalWorld, ServerWorld, World


@pytest.fixture(params=["local", "guarded", "fakeredis", "server"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each implementation of L2, empty."""
    match request.param:
        case "local":
            yield LocalWorld()
        case "guarded":
            yield GuardedWorld()
        case kind:
            redis_world = FakeRedisWorld() if kind == "fakeredis" else server_world(request)
            yield redis_world
            redis_world.client.close()


def server_world(request: pytest.FixtureRequest) -> ServerWorld:
    """The shared real server, emptied."""
    return ServerWorld(request.getfixturevalue("clean_redis_url"))
