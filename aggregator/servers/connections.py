"""Connections of redis-py's that are made to where a finder says the server is."""

from typing import Any

import redis.connection as blocking
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.exceptions import AskError, ClusterDownError, ReadOnlyError, TryAgainError

from aggregator.servers.finder import Finder
from aggregator.servers.url import Address

# The server did nothing, as it is not, not yet, or no more the one for this: to find it anew may help. AskError is that
# of MOVED too.
REFUSALS = (ReadOnlyError, AskError, TryAgainError, ClusterDownError)


class FoundConnection(Connection):
    """One that is elsewhere than where the server was found last is made anew before it is used again, so that a
    reader and its heartbeat speak with one server. Where one is told that its server is not the right one, all are."""

    def __init__(self, *, finder: Finder, **options: Any) -> None:
        super().__init__(**options)
        self._finder = finder

    async def connect_check_health(self, *args: Any, **options: Any) -> None:
        """As of its base."""
        found = await self._found()
        if self.is_connected and (self.host, self.port) != found:
            await self.disconnect(nowait=True)  # over TLS it would wait for the goodbye of one that may be gone
        if not self.is_connected:
            self.host, self.port = found
        await super().connect_check_health(*args, **options)

    async def _found(self) -> Address:
        last = self._finder.last if self.is_connected else None
        if last and not self._finder.due:
            return last
        try:
            return await self._finder.find()
        except OSError:
            if last:  # who is connected does not need the sentinels
                return last
            raise

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """As of its base."""
        try:
            return await super().read_response(*args, **options)
        except REFUSALS as error:
            self._finder.last = None
            error.args = (f"{self.host}:{self.port} does not do it: {error}",)
            raise


class FoundSSLConnection(FoundConnection, SSLConnection):
    """The same over TLS."""


class FoundBlockingConnection(blocking.Connection):
    """The same without an event loop."""

    def __init__(self, *, finder: Finder, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._finder = finder

    def connect_check_health(self, *args: Any, **options: Any) -> None:
        """As of its base."""
        found = self._found()
        if self.is_connected and (self.host, self.port) != found:
            self.disconnect()  # type: ignore[no-untyped-call]
        if not self.is_connected:
            self.host, self.port = found
        super().connect_check_health(*args, **options)

    def _found(self) -> Address:
        last = self._finder.last if self.is_connected else None
        if last and not self._finder.due:
            return last
        try:
            return self._finder.find_blocking()
        except OSError:
            if last:
                return last
            raise

    def read_response(self, *args: Any, **options: Any) -> Any:
        """As of its base."""
        try:
            return super().read_response(*args, **options)
        except REFUSALS as error:
            self._finder.last = None
            error.args = (f"{self.host}:{self.port} does not do it: {error}",)
            raise


class FoundBlockingSSLConnection(FoundBlockingConnection, blocking.SSLConnection):
    """The same over TLS."""


_FOUND: dict[type, type] = {
    Connection: FoundConnection,
    SSLConnection: FoundSSLConnection,
    blocking.Connection: FoundBlockingConnection,
    blocking.SSLConnection: FoundBlockingSSLConnection,
}


def lead(pool: ConnectionPool | blocking.ConnectionPool, finder: Finder | None) -> None:
    """Have a pool, which has no connection yet, make them to where the finder says; None leaves it as it is."""
    if finder:
        pool.connection_class = _FOUND[pool.connection_class]
        pool.connection_kwargs["finder"] = finder
