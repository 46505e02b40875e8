"""What both Python publishers do, on a real server: batch what comes together, name it, and live through a restart."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import redis

from aggregator.invalidation.redis_stream import RedisLog
from aggregator.publisher import LogUnavailable, Publisher, SyncPublisher
from aggregator.publisher.records import MAX_BYTES, MAX_TAGS
from tests.running import ROOT
from tests.servers import Valkey

Calls = Sequence[tuple[list[str], str | None]]
Publish = Callable[..., list[str | BaseException]]
STREAM = "aggregator:invalidations"


def on_a_loop(url: str, calls: Calls, **options: float) -> list[str | BaseException]:
    """All calls at once; the position or exception of each."""

    async def together() -> list[str | BaseException]:
        async with Publisher(url, **options) as publisher:
            return await asyncio.gather(*(publisher.invalidate(*call) for call in calls), return_exceptions=True)

    return asyncio.run(together())


def in_threads(url: str, calls: Calls, **options: float) -> list[str | BaseException]:
    """The same; the calls that come while another is sending wait together."""
    told: dict[int, str | BaseException] = {}

    def one(number: int) -> None:
        try:
            told[number] = publisher.invalidate(*calls[number])
        except Exception as error:
            told[number] = error

    with SyncPublisher(url, **options) as publisher:
        threads = [threading.Thread(target=one, args=(number,)) for number in range(len(calls))]
        with publisher._sending:
            for thread in threads:
                thread.start()
            while len(publisher._calls._waiting) < len(calls) - sum(number in told for number in range(len(calls))):
                time.sleep(0.001)
        for thread in threads:
            thread.join()
    return [told[number] for number in range(len(calls))]


@pytest.fixture(params=[on_a_loop, in_threads], ids=["async", "sync"])
def publish(request: pytest.FixtureRequest) -> Publish:
    return request.param  # type: ignore[no-any-return]


def recorded(url: str) -> list[dict[str, Any]]:
    """What is in the log but for the marker that begins it; tags decoded, and each with its stream id as `place`."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: Any = client.xrange(STREAM)
    records = [{**fields, "tags": orjson.loads(fields["tags"]), "place": id} for id, fields in found]
    return [record for record in records if record["tags"]]


def test_the_first_one_begins_the_log_and_tells_its_position(clean_redis_url: str, publish: Publish) -> None:
    """The position is the epoch and the stream id; the time is the publisher's."""
    [told] = publish(clean_redis_url, [(["user:1"], "once")])
    [record] = recorded(clean_redis_url)[1:]  # the first went nowhere, and made the epoch needed
    epoch = asyncio.run(_epoch(clean_redis_url))
    assert told == f"{epoch}-{record['place']}"
    assert (record["tags"], record["id"]) == (["user:1"], "once")
    assert float(record["at"]) == pytest.approx(time.time(), abs=60)


async def _epoch(url: str) -> int | None:
    log = RedisLog(url)
    try:
        return (await log.beat()).epoch
    finally:
        await log.close()


@pytest.fixture
def begun_url(clean_redis_url: str) -> str:
    """A log that is begun already."""
    on_a_loop(clean_redis_url, [(["x"], None)])
    with redis.Redis.from_url(clean_redis_url) as client:
        client.xtrim(STREAM, maxlen=0, approximate=False)
    return clean_redis_url


def test_calls_that_come_together_share_a_record(begun_url: str, publish: Publish) -> None:
    """Each tag once, under an id that was made; everybody is told the same position."""
    told = publish(begun_url, [(["a", "b"], None), (["b", "c"], None), (["a"], None)])
    [record] = recorded(begun_url)
    assert sorted(record["tags"]) == ["a", "b", "c"]
    assert record["id"]
    assert len(set(told)) == 1


def test_a_call_with_an_id_has_a_record_of_its_own(begun_url: str, publish: Publish) -> None:
    """So that it is called in the log what its publisher calls it."""
    publish(begun_url, [(["a"], "one"), (["b"], None), (["c"], "two"), (["d"], None)])
    by_id = {record["id"]: record["tags"] for record in recorded(begun_url)}
    assert (by_id.pop("one"), by_id.pop("two")) == (["a"], ["c"])
    assert [sorted(tags) for tags in by_id.values()] == [["b", "d"]]


@pytest.mark.parametrize("tags", [[f"t{n}" for n in range(2 * MAX_TAGS + 1)], [f"{n:0256}" for n in range(600)]])
def test_what_is_too_much_for_one_record_is_cut(begun_url: str, publish: Publish, tags: list[str]) -> None:
    """In order, at the bounds of tags and bytes; the last position is told, and the parts are numbered."""
    [told] = publish(begun_url, [(tags, "big")])
    records = recorded(begun_url)
    assert [tag for record in records for tag in record["tags"]] == tags
    assert [record["id"] for record in records] == ["big", "big/2", "big/3"]
    assert all(len(record["tags"]) <= MAX_TAGS for record in records)
    assert all(len(orjson.dumps(record["tags"])) <= MAX_BYTES for record in records)
    assert str(told).endswith(f"-{records[-1]['place']}")


@pytest.mark.parametrize(
    ("tags", "id", "words"),
    [([], None, "at least one tag"), (["a", ""], None, "1 to 256 bytes"), (["a"], "i" * 129, "1 to 128 characters")],
)
def test_what_cannot_be_published_is_refused(
    begun_url: str, publish: Publish, tags: list[str], id: str | None, words: str
) -> None:
    """With the reason, and without harm to what comes together with it."""
    wrong, right = publish(begun_url, [(tags, id), (["right"], None)])
    assert isinstance(wrong, ValueError)
    assert words in str(wrong)
    assert isinstance(right, str)
    assert [record["tags"] for record in recorded(begun_url)] == [["right"]]


@contextmanager
def back_after(server: Valkey, seconds: float) -> Iterator[None]:
    """The server is gone, and comes back by itself."""
    server.kill()
    restart = threading.Timer(seconds, server.start)
    restart.start()
    try:
        yield
    finally:
        restart.join()


def test_a_restart_of_redis_is_lived_through(publish: Publish) -> None:
    """The call takes longer, and its id is kept."""
    with Valkey() as server:
        publish(server.url, [(["before"], None)])
        with back_after(server, 0.3):
            [told] = publish(server.url, [(["during"], "kept")])
        assert isinstance(told, str)
        assert {(record["id"], *record["tags"]) for record in recorded(server.url)} == {("kept", "during")}


def test_an_open_connection_does_not_outlive_a_restart() -> None:
    """A publisher that was there before goes on with a new one."""
    with Valkey() as server, SyncPublisher(server.url) as publisher:
        publisher.invalidate(["before"])
        with back_after(server, 0.1):
            assert publisher.invalidate(["after"])


@pytest.mark.parametrize("state", ["gone", "frozen"])
def test_after_the_deadline_it_is_told(publish: Publish, state: str) -> None:
    """Not later than one try after it; the exception says what to do."""
    with Valkey() as server:
        server.kill() if state == "gone" else server.freeze()
        began = time.monotonic()
        told = publish(server.url, [(["a"], "mine"), (["b"], None)], deadline=0.3, timeout=0.2)
        took = time.monotonic() - began
        if state == "frozen":
            server.thaw()
    assert [type(one) for one in told] == [LogUnavailable, LogUnavailable]
    assert "invalidation mine may not be in the log: publish it again" in str(told[0])
    assert took < 3


def test_what_no_retry_can_help_is_told_at_once(begun_url: str, publish: Publish) -> None:
    """A wrong password."""
    began = time.monotonic()
    [told] = publish(f"{begun_url}?password=wrong", [(["a"], None)], deadline=60)
    assert isinstance(told, LogUnavailable)
    assert "AUTH" in str(told)
    assert time.monotonic() - began < 30


FORKED = """
import os, sys
from aggregator.publisher import SyncPublisher
publisher = SyncPublisher(sys.argv[1])
publisher.invalidate(["parent"])
child = os.fork()
for number in range(100):
    publisher.invalidate([f"{'parent' if child else 'child'}:{number}"])
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_process_that_is_forked_later_has_connections_of_its_own(begun_url: str) -> None:
    """As servers of WSGI applications do it; both use what they inherited at once."""
    subprocess.run([sys.executable, "-c", FORKED, begun_url], cwd=ROOT, check=True, timeout=60)
    assert len(recorded(begun_url)) == 201


def test_what_its_caller_left_is_sent(begun_url: str) -> None:
    """For it has been committed; closing the publisher waits for it."""

    async def steps() -> None:
        async with Publisher(begun_url) as publisher:
            left = asyncio.create_task(publisher.invalidate(["left"]))
            await asyncio.sleep(0)
            left.cancel()
            with pytest.raises(asyncio.CancelledError):
                await left

    asyncio.run(steps())
    assert [record["tags"] for record in recorded(begun_url)] == [["left"]]
