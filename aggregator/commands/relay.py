"""`aggregator relay`: take the invalidations in an MBU's outbox to the log, until it is told to stop."""

import os
import signal
import sqlite3
from collections.abc import Callable
from importlib import import_module
from threading import Event
from typing import Any

import click

from aggregator.commands.invalidate import where_log
from aggregator.commands.options import load_settings, settings_options
from aggregator.commands.refusal import Refusal
from aggregator.mistakes import Mistaken
from aggregator.process.logs import log_as
from aggregator.publisher import POSTGRESQL, SQLITE, Outbox, Relay
from aggregator.publisher.outbox import Connection
from aggregator.settings import Settings
from aggregator.units import parse_positive_duration


@click.command()
@click.argument("database", envvar="OUTBOX_DATABASE")
@click.option("--table", default="aggregator_outbox", metavar="NAME", help="the outbox [aggregator_outbox]")
@click.option("--every", default="100ms", metavar="DURATION", help="how often the outbox is looked at [100ms]")
@settings_options(
    "redis_url",
    "redis_url_file",
    "log_url",
    "log_url_file",
    "allow_insecure_redis",
    "namespace",
    "durability",
    "log_level",
    "log_format",
)
def relay(database: str, table: str, every: str, **flags: Any) -> None:
    """Relay what is in the outbox of DATABASE: a file of SQLite, or postgresql://… (where that holds a password, give
    it in the variable OUTBOX_DATABASE instead; psycopg has to be installed).

    Several may run at once. Flags and AGGREGATOR_* variables say where the log is: the [service] table of a
    declaration is not read.
    """
    try:
        settings = load_settings(flags, os.environ, Settings())
        connect, outbox = _opened(database, table)
        seconds = parse_positive_duration(every)
    except (Mistaken, ValueError) as error:
        raise Refusal(str(error)) from None
    log_as(settings.log_level, settings.log_format)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    taking = Relay(connect, outbox, where_log(settings), settings.namespace, durability=settings.durability)
    taking.run(seconds, stop)


def _opened(database: str, table: str) -> tuple[Callable[[], Connection], Outbox]:
    if not database.startswith(("postgresql://", "postgres://")):
        if not os.path.isfile(database):
            raise ValueError(f"{database}: there is no such file; expected one of SQLite, or postgresql://…")
        return lambda: sqlite3.connect(database), Outbox(SQLITE, table)
    try:
        psycopg: Any = import_module("psycopg")
    except ImportError:
        raise ValueError("PostgreSQL needs psycopg: pip install 'psycopg[binary]'") from None
    return lambda: psycopg.connect(database), Outbox(POSTGRESQL, table)
