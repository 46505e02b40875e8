"""Fixtures that every suite shares."""

from collections.abc import Iterator

import pytest

from aggregator.publisher import sync_log  # noqa: F401  # before `redis.Redis` is another, which is for tests alone
from tests.servers import emptied, look_behind, valkey


@pytest.fixture(scope="session", autouse=True)
def _looking_behind() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        look_behind(patch)
        yield


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server that whole services share, each with a namespace of its own."""
    with valkey() as url:
        yield url


@pytest.fixture(scope="session")
def _emptied_redis_url() -> Iterator[str]:
    with valkey() as url:
        yield url


@pytest.fixture
def clean_redis_url(_emptied_redis_url: str) -> str:
    """Another one, empty: nothing writes to it but the test."""
    return emptied(_emptied_redis_url)
