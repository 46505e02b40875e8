"""A relay under a `durability`: rows leave the outbox when they are confirmed, and nothing goes where it cannot be."""

import sqlite3
from pathlib import Path

import pytest
import redis

from aggregator.invalidation.durability import NeverDurable, Unconfirmed
from aggregator.publisher import SQLITE, Outbox, Relay
from aggregator.settings import Durability
from tests.servers import Valkey

OUTBOX = Outbox(SQLITE)


@pytest.fixture
def mbu(tmp_path: Path) -> str:
    """A database with one row in its outbox."""
    path = str(tmp_path / "mbu.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute(OUTBOX.ddl)
        OUTBOX.write(connection, ["user:42"])
    connection.close()
    return path


def relay(mbu: str, url: str, durability: Durability) -> int:
    """Once; how many rows it took."""
    once = Relay(lambda: sqlite3.connect(mbu), OUTBOX, url, durability=durability)
    try:
        return once.relay()
    finally:
        once.close()


def test_what_is_on_disk_leaves_the_outbox(mbu: str) -> None:
    with Valkey("--appendonly", "yes") as server:
        assert relay(mbu, server.url, "disk") == 1
        assert relay(mbu, server.url, "disk") == 0


def test_what_is_not_confirmed_stays(mbu: str, clean_redis_url: str) -> None:
    """No replica is there; it is in the log, and will be once more."""
    with pytest.raises(Unconfirmed, match="no replica has it"):
        relay(mbu, clean_redis_url, "replica")
    assert relay(mbu, clean_redis_url, "memory") == 1


def test_where_nothing_can_be_confirmed_nothing_is_appended(mbu: str, clean_redis_url: str) -> None:
    """Else the log would fill with the same rows, for a relay tries for ever."""
    with pytest.raises(NeverDurable, match="appendonly"):
        relay(mbu, clean_redis_url, "disk")
    with redis.Redis.from_url(clean_redis_url) as client:
        assert client.exists("aggregator:invalidations") == 0
