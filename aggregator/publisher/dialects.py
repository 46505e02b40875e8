"""What SQL databases say differently about an outbox."""

from typing import NamedTuple


class Dialect(NamedTuple):
    """mark: what stands for a value in a statement. columns: the table's. begin: the statement that begins a relay's
    transaction, "" where the driver does. lock: the end of the query that claims rows."""

    mark: str
    columns: str
    begin: str
    lock: str


# The whole database is locked for writing while rows are relayed, since SQLite has no locks on rows.
SQLITE = Dialect(
    "?", "place INTEGER PRIMARY KEY, id TEXT NOT NULL, tags TEXT NOT NULL, at REAL NOT NULL", "BEGIN IMMEDIATE", ""
)

# Places are given when rows are written, not when they are committed. That a lower one may turn up after a higher
# one was relayed does no harm: a relay takes what is there, and keeps no place that it has read up to.
POSTGRESQL = Dialect(
    "%s",
    "place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL, tags TEXT NOT NULL, "
    "at DOUBLE PRECISION NOT NULL",
    "",
    "FOR UPDATE SKIP LOCKED",
)
