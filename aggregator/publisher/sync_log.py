"""The end of the log, to append to from code without an event loop."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from aggregator.invalidation import appending, wire
from aggregator.invalidation.log import LogUnavailable
from aggregator.model.position import Position


class SyncLog:
    """Appends as `RedisLog` does. May be used by several threads, and by a process that was forked later.

    timeout: seconds to connect, and seconds for each reply.
    """

    def __init__(self, url: str, namespace: str, timeout: float) -> None:
        self._namespace = namespace
        self._redis = Redis.from_url(
            url,
            protocol=2,
            driver_info=None,  # as in RedisLog
            decode_responses=False,
            socket_connect_timeout=timeout,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )

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
        with self._redis.pipeline(transaction=True) as pipe:
            appending.queue(pipe, self._namespace, records)
            return appending.positions(pipe.execute())

    def ping(self) -> None:
        """LogUnavailable unless the server answers."""
        with _said("ping"):
            self._redis.ping()

    def close(self) -> None:
        """Give back the connections."""
        self._redis.close()


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise LogUnavailable(f"{what}: {error or type(error).__name__}") from error
