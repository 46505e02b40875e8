"""A relay takes what an outbox holds to the log, and deletes it there once it is acknowledged."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any

from aggregator.publisher.outbox import Connection, Outbox
from aggregator.publisher.sync_log import SyncLog
from aggregator.settings import Durability

_log = logging.getLogger(__name__)


class Relay:
    """Several may run at once, in a thread of the MBU or apart from it. Whoever is killed between the acknowledgement
    and its commit leaves rows that are appended once more, with the ids that they have.

    connect: opens a connection for this relay alone; one of psycopg must not be in autocommit mode.
    most: rows that are taken at once.
    timeout: seconds that the log has to answer; rows (of SQLite, the database) are locked no longer for it.
    durability: as `Publisher` has it; rows are locked for up to 2 s more while it is waited for.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        outbox: Outbox,
        url: str,
        namespace: str = "aggregator",
        *,
        most: int = 100,
        timeout: float = 1.0,
        durability: Durability = "memory",
    ) -> None:
        mark, table, lock = outbox.dialect.mark, outbox.table, outbox.dialect.lock
        self._connect = connect
        self._connection: Connection | None = None
        self._log = SyncLog(url, namespace, timeout, durability)
        self._begin = outbox.dialect.begin
        self._any = f"SELECT 1 FROM {table} LIMIT 1"  # noqa: S608  # an outbox checks its table's name
        self._claim = f"SELECT place, id, tags, at FROM {table} ORDER BY place LIMIT {most:d} {lock}"  # noqa: S608
        self._delete = f"DELETE FROM {table} WHERE place = {mark}"  # noqa: S608

    def run(self, every: float, stop: Event) -> None:
        """Relay every so many seconds until told to stop. Where the database or the log is away it is tried again
        as often, with a warning when that begins."""
        away = False
        while not stop.is_set():
            try:
                self.relay()
                away = False
            except Exception as error:  # each driver has exceptions of its own
                self._disconnect()
                if not away:
                    _log.warning("invalidations wait in the outbox: %s: %s", type(error).__name__, error)
                away = True
            stop.wait(every)
        self.close()

    def relay(self) -> int:
        """Take everything that is committed by now to the log, in order; the number of rows. LogUnavailable, or
        whatever the driver raises: the rest is still there."""
        relayed = 0
        while rows := self._some():
            relayed += rows
        return relayed

    def close(self) -> None:
        """Give back the connections."""
        self._disconnect()
        self._log.close()

    def _some(self) -> int:
        connection = self._connection = self._connection or self._connect()
        try:
            if not self._waiting(connection):
                return 0
            # Before anything is locked, so that the MBU does not wait for a log that is away.
            self._log.ping()
            return self._move(connection)
        except BaseException:
            connection.rollback()
            raise

    def _waiting(self, connection: Connection) -> bool:
        cursor = connection.cursor()
        cursor.execute(self._any)
        found = cursor.fetchone()
        connection.rollback()
        return found is not None

    def _move(self, connection: Connection) -> int:
        cursor = connection.cursor()
        if self._begin:
            cursor.execute(self._begin)
        cursor.execute(self._claim)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        if rows:
            # As they are: a row that somebody else wrote wrongly is a gap to every reader, which loses nothing.
            self._log.append_all([{"tags": tags, "at": f"{at:.3f}", "id": id} for _, id, tags, at in rows])
            cursor.executemany(self._delete, [(place,) for place, *_ in rows])
        connection.commit()
        return len(rows)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()
