"""A server is where L2 is, and how to be let in: what a Redis URL says."""

import ssl
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import ConnectionPool

from aggregator.servers.finder import Finder, finder_of
from aggregator.servers.url import RedisUrl

Call = tuple[str | bytes | int, ...]

# Seconds, where the URL says nothing.
TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Server:
    """path: of a unix socket; None where host and port count, or what the finder finds. tls: None = in the clear.

    greeting: the first commands on every connection; nothing else is sent before all of them are answered.
    connect_within: seconds. reply_within: seconds that the server may say nothing while it owes an answer.
    """

    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    tls: ssl.SSLContext | None = None
    greeting: tuple[Call, ...] = field(default=(), repr=False)  # it may hold a password
    connect_within: float = TIMEOUT
    reply_within: float = TIMEOUT
    finder: Finder | None = None

    @classmethod
    def of(cls, url: str) -> "Server":
        """Of a URL that `RedisUrl` reads, with the options that redis-py reads of it; ValueError if it is none, OSError
        if a file that it names cannot be read."""
        found = RedisUrl.of(url)
        try:
            # Never connected: redis-py reads the URL, so that L2 and log understand the same one alike.
            pool: Any = ConnectionPool.from_url(found.plain, **_DEFAULTS)
            read = pool.make_connection()
        except TypeError as mistake:
            raise ValueError(f"the Redis URL has an option that is not known: {mistake}") from None
        connect_within = float(read.socket_connect_timeout or TIMEOUT)
        return cls(
            getattr(read, "host", "localhost"),
            getattr(read, "port", 6379),
            getattr(read, "path", None),
            read.ssl_context.get() if hasattr(read, "ssl_context") else None,
            _greeting(read.username, read.password, read.client_name, read.db),
            connect_within,
            float(read.socket_timeout or TIMEOUT),
            finder_of(found, connect_within / 2),
        )


_DEFAULTS: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}


def _greeting(username: str | None, password: str | None, name: str | None, db: int | str) -> tuple[Call, ...]:
    calls: list[Call] = []
    if username or password:
        calls.append(("AUTH", username, password or "") if username else ("AUTH", password or ""))
    if name:
        calls.append(("CLIENT", "SETNAME", name))
    if int(db):
        calls.append(("SELECT", int(db)))
    return tuple(calls)
