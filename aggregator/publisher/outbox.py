"""An outbox: a table of the MBU's own database, written in the transaction of the change that invalidates."""

import re
import time
from collections.abc import Sequence
from typing import Any, Protocol

from aggregator.publisher.dialects import Dialect
from aggregator.publisher.records import check, new_id, records

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")

Row = tuple[str, str, float]  # id, JSON array of tags, Unix seconds


class Connection(Protocol):
    """Any connection of Python's DB-API 2.0 (PEP 249), such as those of sqlite3 and psycopg."""

    def cursor(self) -> Any: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class Outbox:
    """Invalidations that are committed, or rolled back, with what they follow from. A `Relay` takes them to the log.

        outbox = Outbox(SQLITE)
        connection.execute("UPDATE users SET name = ? WHERE id = 42", (name,))
        outbox.write(connection, ["user:42"])
        connection.commit()

    ddl: the statement that makes the table, for a migration; running it twice does no harm.
    insert: the statement that takes `rows`, for drivers that are not DB-API.
    """

    def __init__(self, dialect: Dialect, table: str = "aggregator_outbox") -> None:
        if not _NAME.fullmatch(table):
            raise ValueError(f"a table's name is letters, digits and underscores, perhaps after a schema's: {table!r}")
        self.dialect = dialect
        self.table = table
        self.ddl = f"CREATE TABLE IF NOT EXISTS {table} ({dialect.columns})"
        values = ", ".join([dialect.mark] * 3)
        self.insert = f"INSERT INTO {table} (id, tags, at) VALUES ({values})"  # noqa: S608  # the name was checked

    def write(self, connection: Connection, tags: Sequence[str], id: str | None = None) -> None:
        """Add an invalidation to the transaction that is open on the connection, which the caller commits.
        ValueError: one of the tags is none. Whatever the driver raises."""
        connection.cursor().executemany(self.insert, self.rows(tags, id))

    def rows(self, tags: Sequence[str], id: str | None = None) -> list[Row]:
        """The values for `insert`: one row, and more where the tags are too many for one record of the log.
        ValueError: one of the tags is none."""
        check(tags, id)
        parts = records(tags, id or new_id(), time.time())
        return [(part["id"], part["tags"], float(part["at"])) for part in parts]
