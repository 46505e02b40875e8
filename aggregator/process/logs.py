"""Structured logs on standard error, one line a record: JSON objects, or for people at a terminal."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def log_as(level: str, form: str) -> None:
    """Send our own log and those of the libraries one way; form is "json" or "console"."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    for_people = [_escape, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    render: list[Any] = [structlog.processors.JSONRenderer()] if form == "json" else for_people
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Its warnings are of requests that cannot be parsed, of which a stranger could send any number.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def _escape(_: Any, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What does not print, of whatever a stranger sent, as its escape: no text ends a line, or speaks to the terminal.
    A traceback keeps its lines, indented: nothing in it can be taken for a record."""
    traceback = record.pop("exception", None)
    escaped = {_printable(key): _printable(value) if isinstance(value, str) else value for key, value in record.items()}
    if traceback:
        escaped["exception"] = "\n".join(f"    {_printable(line)}" for line in traceback.split("\n"))
    return escaped


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
