"""The databases that an outbox is tried on, alike to tests: SQLite in a file, and PostgreSQL."""

import sqlite3
from typing import Any

import psycopg

from aggregator.publisher import POSTGRESQL, SQLITE, Outbox
from aggregator.publisher.outbox import Connection


def connect(where: str) -> Connection:
    """`host=…` is PostgreSQL, everything else SQLite's file."""
    return psycopg.connect(where) if where.startswith("host=") else sqlite3.connect(where)


def outbox(where: str, table: str = "aggregator_outbox") -> Outbox:
    """Of that database."""
    return Outbox(POSTGRESQL if where.startswith("host=") else SQLITE, table)


def ask(where: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and commit it; what it found."""
    connection = connect(where)
    try:
        cursor = connection.cursor()
        cursor.execute(statement, values)
        found = cursor.fetchall() if cursor.description else []
        connection.commit()
        return found
    finally:
        connection.close()
