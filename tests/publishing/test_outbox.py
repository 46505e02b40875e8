"""The outbox and its relay, on SQLite and on PostgreSQL: in the MBU's transaction, in order, and by several at once."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import redis

from aggregator.publisher import SQLITE, LogUnavailable, Outbox, Relay
from aggregator.publisher.records import MAX_TAGS
from tests.databases import ask, connect, outbox
from tests.running import until
from tests.servers import Valkey

STREAM = "aggregator:invalidations"
LEFT = "SELECT count(*) FROM aggregator_outbox"


def write(database: str, *invalidations: list[str]) -> None:
    """Each in one transaction of its own."""
    connection = connect(database)
    for tags in invalidations:
        outbox(database).write(connection, tags, id="-".join(tags)[:128])
        connection.commit()
    connection.close()


def recorded(url: str) -> list[list[str]]:
    """The tags of every record, without the marker that begins the log and what was appended before it."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: Any = client.xrange(STREAM)
    tags = [orjson.loads(fields["tags"]) for _, fields in found]
    return tags[tags.index([]) + 1 :]


@contextmanager
def relaying(database: str, url: str, **options: Any) -> Iterator[Relay]:
    """A relay, closed afterwards."""
    relay = Relay(lambda: connect(database), outbox(database), url, **options)
    try:
        yield relay
    finally:
        relay.close()


def test_what_is_rolled_back_is_never_published(database: str, clean_redis_url: str) -> None:
    """And nothing before it is committed."""
    connection = connect(database)
    with relaying(database, clean_redis_url) as relay:
        outbox(database).write(connection, ["rolled back"])
        connection.rollback()
        outbox(database).write(connection, ["committed"])
        assert relay.relay() == 0
        connection.commit()
        assert relay.relay() == 1
    connection.close()
    assert recorded(clean_redis_url) == [["committed"]]


def test_rows_go_in_order_and_are_deleted(database: str, clean_redis_url: str) -> None:
    """Also where they are more than are taken at once; with the ids that they were written with."""
    write(database, *([f"tag:{number}"] for number in range(7)))
    with relaying(database, clean_redis_url, most=3) as relay:
        assert relay.relay() == 7
        assert relay.relay() == 0
    assert recorded(clean_redis_url) == [[f"tag:{number}"] for number in range(7)]
    assert ask(database, LEFT) == [(0,)]
    with redis.Redis.from_url(clean_redis_url, decode_responses=True) as client:
        [(_, newest)] = client.xrevrange(STREAM, count=1)
    assert newest["id"] == "tag:6"


def test_too_many_tags_are_several_rows(database: str, clean_redis_url: str) -> None:
    """As with the publishers."""
    tags = [f"t{number}" for number in range(MAX_TAGS + 1)]
    write(database, tags)
    with relaying(database, clean_redis_url) as relay:
        assert relay.relay() == 2
    assert recorded(clean_redis_url) == [tags[:-1], tags[-1:]]


def test_while_the_log_is_away_rows_stay(database: str) -> None:
    """And nobody who writes waits for it."""
    write(database, ["a"])
    with Valkey() as server, relaying(database, server.url, timeout=0.2) as relay:
        server.freeze()
        with pytest.raises(LogUnavailable):
            relay.relay()
        write(database, ["b"])
        server.thaw()
        assert relay.relay() == 2
        assert recorded(server.url) == [["a"], ["b"]]


def test_a_log_that_goes_away_meanwhile_leaves_the_rows(
    database: str, clean_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the relay's question whether it is there and the append."""
    write(database, ["a"])
    with relaying(database, "unix:///nowhere") as relay:
        monkeypatch.setattr(relay._log, "ping", lambda: None)
        with pytest.raises(LogUnavailable):
            relay.relay()
        write(database, ["b"])
    with relaying(database, clean_redis_url) as relay:
        assert relay.relay() == 2


def test_several_relays_share_the_work(database: str, clean_redis_url: str) -> None:
    """Four at once: everything arrives, and nothing twice."""
    write(database, *([f"tag:{number}"] for number in range(200)))
    counts: list[int] = []

    def one() -> None:
        with relaying(database, clean_redis_url, most=5) as relay:
            while ask(database, LEFT) != [(0,)]:
                counts.append(relay.relay())

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 200
    with redis.Redis.from_url(clean_redis_url) as client:
        ids = [fields[b"id"] for _, fields in client.xrange(STREAM) if b"id" in fields]
    assert len(set(ids)) == 200


def test_a_running_relay_lives_through_everything(
    database: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log away, and a database that does not connect: one warning, and it goes on."""
    refusals = [ConnectionError("no database")]

    def connecting() -> Any:
        if refusals:
            raise refusals.pop()
        return connect(database)

    stop = threading.Event()
    with Valkey() as server, caplog.at_level(logging.WARNING):
        relay = Relay(connecting, outbox(database), server.url)
        running = threading.Thread(target=relay.run, args=(0.01, stop))
        running.start()
        write(database, ["first"])
        until(lambda: ask(database, LEFT) == [(0,)], "the first is relayed")
        server.kill()
        write(database, ["second"])
        until(lambda: len(caplog.messages) == 2, "it is warned of")
        server.start()
        until(lambda: ask(database, LEFT) == [(0,)], "the second is relayed")
        stop.set()
        running.join()
        assert recorded(server.url) == [["second"]]
    first, second = caplog.messages
    assert first == "invalidations wait in the outbox: ConnectionError: no database"
    assert second.startswith("invalidations wait in the outbox: LogUnavailable: ping: ")


def test_a_row_that_is_no_list_of_tags_is_handed_on(database: str, clean_redis_url: str) -> None:
    """Readers treat it as a gap, which loses nothing; the relay does not stand still before it."""
    values = ", ".join([outbox(database).dialect.mark] * 3)
    ask(database, f"INSERT INTO aggregator_outbox (id, tags, at) VALUES ({values})", "wrong", "user:1", 0.0)
    with relaying(database, clean_redis_url) as relay:
        assert relay.relay() == 1
    with redis.Redis.from_url(clean_redis_url, decode_responses=True) as client:
        assert client.xrevrange(STREAM, count=1)[0][1]["tags"] == "user:1"


def test_what_cannot_be_published_is_refused_before_it_is_written() -> None:
    """And a table's name is no place for SQL."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(ValueError, match="1 to 256 bytes"):
        Outbox(SQLITE).write(connection, [""])
    connection.close()
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        Outbox(SQLITE, "x; DROP TABLE users")
