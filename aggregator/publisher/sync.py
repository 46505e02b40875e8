"""The publisher for code without an event loop, such as a Django or Flask application."""

import threading
from collections.abc import Sequence
from types import TracebackType

from tenacity import Retrying

from aggregator.publisher.calls import Calls
from aggregator.publisher.retries import until
from aggregator.publisher.sync_log import SyncLog
from aggregator.settings import Durability


class SyncPublisher:
    """As `Publisher`; one may serve all threads of a process, whose calls then share records.

    publisher = SyncPublisher("redis://…")
    publisher.invalidate(["user:42"])
    """

    def __init__(
        self,
        url: str,
        namespace: str = "aggregator",
        *,
        deadline: float = 30.0,
        timeout: float = 1.0,
        durability: Durability = "memory",
    ) -> None:
        self._log = SyncLog(url, namespace, timeout, durability)
        self._calls = Calls(deadline)
        self._sending = threading.Lock()

    def invalidate(self, tags: Sequence[str], id: str | None = None) -> str:
        """As `Publisher.invalidate`. It blocks until the tags are in the log, or the deadline is over."""
        answer = self._calls.add(tags, id)
        # Who gets the lock sends for all who wait for it meanwhile.
        with self._sending:
            while not answer.done():
                self._send()
        return answer.result()

    def _send(self) -> None:
        batch = self._calls.take()
        assert batch, "a call that is not answered waits, for batches are sent under the lock only"
        try:
            batch.settle(Retrying(**until(batch.until))(self._log.append_all, batch.records))
        except BaseException as error:
            batch.fail(error)
            if not isinstance(error, Exception):
                raise

    def close(self) -> None:
        """Give back the connections."""
        self._log.close()

    def __enter__(self) -> "SyncPublisher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
