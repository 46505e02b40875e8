"""The ways to the log that wait: the two Python publishers, alike to tests."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from aggregator.publisher import Publisher, SyncPublisher
from aggregator.settings import Durability

Publish = Callable[..., str]


def on_a_loop(url: str, durability: Durability, tags: Sequence[str], deadline: float = 0.0) -> str:
    """The position; one try unless there is a deadline."""

    async def once() -> str:
        async with Publisher(url, deadline=deadline, durability=durability) as publisher:
            return await publisher.invalidate(tags)

    return asyncio.run(once())


def in_a_thread(url: str, durability: Durability, tags: Sequence[str], deadline: float = 0.0) -> str:
    """The position; one try unless there is a deadline."""
    with SyncPublisher(url, deadline=deadline, durability=durability) as publisher:
        return publisher.invalidate(tags)


@pytest.fixture(params=[on_a_loop, in_a_thread], ids=["async", "sync"])
def publish(request: pytest.FixtureRequest) -> Publish:
    """Either of them."""
    return request.param  # type: ignore[no-any-return]
