"""Both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import ask, outbox
from tests.postgres import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """For all tests."""
    with postgres() as where:
        yield where


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One with an empty outbox, and an empty table `changes`."""
    if request.param == "sqlite":
        where = str(tmp_path / "mbu.sqlite")
    else:
        where = request.getfixturevalue("postgres_server")
        ask(where, "DROP TABLE IF EXISTS aggregator_outbox, changes")
    ask(where, outbox(where).ddl)
    ask(where, "CREATE TABLE changes (number INTEGER)")
    return where
