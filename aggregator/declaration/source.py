"""The source of a declaration: a TOML file, or an attribute of a Python module, read without judging what it says."""

import os
import re
import tomllib
from typing import Any

from pydantic import ValidationError

from aggregator.imported import NotImportable, imported
from aggregator.mistakes import Mistake, Mistaken, near

MAX_FILE_BYTES = 4 * 2**20
_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def is_module(source: str) -> bool:
    """Is it a `module:attribute`, and no file?"""
    return _MODULE.fullmatch(source) is not None and not os.path.exists(source)


def read_module(source: str) -> Any:
    """What the `module:attribute` is; Mistaken if it cannot be had."""
    return _attribute(source)


def parsed(source: str, content: bytes) -> dict[str, Any]:
    """The table that a file's bytes say, as dictionaries; Mistaken if they say none."""
    return _parsed(source, _decoded(source, content))


def _mistaken(source: str, message: str, near_miss: str | None = None) -> Mistaken:
    return Mistaken([Mistake(source, "", "", message, near_miss)])


def content_of(source: str) -> bytes:
    """The file's bytes; Mistaken if it cannot be read."""
    try:
        with open(source, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _mistaken(source, f"cannot be read: {reason}") from None
    if len(content) > MAX_FILE_BYTES:
        raise _mistaken(source, f"is larger than {MAX_FILE_BYTES} bytes, and so no declaration")
    return content


def _decoded(source: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _mistaken(source, f"line {line} is not UTF-8 text (byte {error.start} of the file)") from None


def _parsed(source: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _mistaken(source, "is nested too deeply to be a declaration") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise _mistaken(source, _syntax(str(error), text)) from None


def _syntax(message: str, text: str) -> str:
    if place := re.search(r" \(at line (\d+), column (\d+)\)$", message):
        return f"line {place[1]}, column {place[2]}: no valid TOML: {message[: place.start()]}"
    if message.endswith(" (at end of document)"):
        lines = text.split("\n")
        line, column = len(lines), len(lines[-1]) + 1
        return f"line {line}, column {column}: no valid TOML: {message.removesuffix(' (at end of document)')}"
    return f"no valid TOML: {message}"


def _attribute(source: str) -> Any:
    try:
        return imported(source)
    except NotImportable as error:
        if isinstance(error.__cause__, ValidationError):
            raise error.__cause__ from None
        raise _mistaken(source, str(error), near(error.missing, error.known)) from error
