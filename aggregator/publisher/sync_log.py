"""The end of the log, to append to from code without an event loop."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from aggregator.invalidation import appending, durability, wire
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position
from aggregator.servers.connections import lead
from aggregator.servers.finder import finder_of
from aggregator.servers.url import RedisUrl
from aggregator.settings import Durability


class SyncLog:
    """Appends as `RedisLog` does. May be used by several threads, and by a process that was forked later.

    timeout: seconds to connect, and seconds for each reply. durable: as `RedisLog` has it.
    """

    def __init__(self, url: str, namespace: str, timeout: float, durable: Durability) -> None:
        self._namespace = namespace
        self._durable = durable
        found = RedisUrl.of(url)
        pool = ConnectionPool.from_url(
            found.plain,
            protocol=2,
            driver_info=None,  # as in RedisLog
            decode_responses=False,
            socket_connect_timeout=timeout,
            socket_timeout=timeout + durability.limit(durable),
            retry=Retry(NoBackoff(), 0),
        )
        lead(pool, finder_of(found, timeout, wire.stream_key(namespace)))
        self._redis = Redis.from_pool(pool)

    def append_all(self, records: Sequence[dict[str, str]]) -> list[Position]:
        """Add encoded records, all of them or none. LogUnavailable: they may not be there."""
        with _said("append"):
            appended = self._append(records)
            if appended is None:
                keys = (wire.stream_key(self._namespace), wire.epoch_key(self._namespace))
                self._redis.eval(appending.BEGIN_EPOCH, len(keys), *keys, "", "1")
                appended = self._append(records)
        if appended is None:
            raise appending.vanished(self._namespace)
        return appended

    def _append(self, records: Sequence[dict[str, str]]) -> list[Position] | None:
        with self._redis.pipeline(transaction=False) as pipe:
            appending.queue(pipe, self._namespace, records, self._durable)
            return appending.positions(pipe.execute(raise_on_error=False), self._durable)

    def ping(self) -> None:
        """LogUnavailable unless the server answers, and can make appends as durable as they are to be."""
        with _said("ping"):
            self._redis.ping()
            for command in durability.wait(self._durable, 0.001):
                try:
                    self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
                except ResponseError as error:
                    raise durability.refusal(self._durable, error) from error

    def close(self) -> None:
        """Give back the connections."""
        self._redis.close()


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise LogUnavailable(f"{what}: {str(error) or type(error).__name__}") from error
