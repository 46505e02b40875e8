"""Fixtures that every suite shares."""

from collections.abc import Iterator

import pytest
import redis

from tests.servers import valkey


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server, shared by the whole run."""
    with valkey() as url:
        yield url


@pytest.fixture
def clean_redis_url(redis_url: str) -> str:
    """The same server, emptied."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url
