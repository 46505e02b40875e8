"""Durations and sizes as people write them: a number with its unit, such as "500ms" or "256MiB"."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([A-Za-z]+)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
LONGEST = 3650 * 86400.0
LARGEST = 2**50


def parse_duration(text: object) -> float:
    """Seconds in "500ms", "60s", "10m", "1h" or "1d"; zero is allowed. ValueError says what was expected."""
    seconds = _amount(text, _SECONDS, 'a duration with its unit (ms, s, m, h, d) such as "60s"')
    if seconds > LONGEST:
        raise ValueError(f"expected a duration of ten years at most, not {shown(text)}")
    return seconds


def parse_positive_duration(text: object) -> float:
    """As `parse_duration`, but more than nothing."""
    seconds = parse_duration(text)
    if seconds <= 0:
        raise ValueError(f"expected a duration longer than zero, not {shown(text)}")
    return seconds


def parse_size(text: object) -> int:
    """Bytes in "256MiB", "64KiB" or "1MB", at least one. ValueError says what was expected."""
    size = int(_amount(text, _BYTES, 'a size with its unit (B, KB, MB, GB, KiB, MiB, GiB) such as "64KiB"'))
    if not 1 <= size <= LARGEST:
        raise ValueError(f"expected a size from 1B to {show_size(LARGEST)}, not {shown(text)}")
    return size


def show_duration(seconds: float) -> str:
    """A text that `parse_duration` reads as these seconds, as people write it: "60s", "10m", "1h"."""
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0 and seconds != 60 * (unit == "m"):
            return f"{int(seconds / _SECONDS[unit])}{unit}"
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms" if seconds else "0s"


def show_size(size: int) -> str:
    """The shortest text that `parse_size` reads as this many bytes."""
    for unit in ("GiB", "MiB", "KiB", "GB", "MB", "KB"):
        if size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def shown(given: object) -> str:
    """A value as a message shows it: short, on one line, strings in quotes."""
    match given:
        case bool():
            return "true" if given else "false"
        case str():
            text = given if len(given) <= 60 else given[:57] + "…"
            return '"' + "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text) + '"'
        case float():
            return str(given)
        case int():
            return str(given) if abs(given) < 10**18 else "a very large number"
        case _:
            return {"dict": "a table", "list": "a list"}.get(type(given).__name__, f"a {type(given).__name__}")


def default(written: Any, description: str, **bounds: Any) -> Any:
    """A field whose default is written as people write it: "1h" for what is read as seconds."""
    return Field(default=written, description=description, **bounds)


def _amount(text: object, units: Mapping[str, float], expected: str) -> float:
    # A sign is read here only to say that the amount, not the spelling, is what is wrong.
    if isinstance(text, str) and text.startswith("-") and _NUMBER.fullmatch(text[1:]):
        raise ValueError(f"expected an amount that is not negative, not {shown(text)}")
    match = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f"expected {expected}, not {shown(text)}")
    return float(match[1]) * units[match[2]]


def _schema(pattern: str, example: str) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "pattern": pattern, "examples": [example]}
    return WithJsonSchema(schema)


_DURATION = _schema(r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", "60s")
_SIZE = _schema(r"^[0-9]+(\.[0-9]+)?(B|KB|MB|GB|KiB|MiB|GiB)$", "64KiB")
# In JSON they are written as they are read, so that what was dumped can be validated again.
_SHOW_DURATION = PlainSerializer(show_duration, return_type=str, when_used="json")
_SHOW_SIZE = PlainSerializer(show_size, return_type=str, when_used="json")
Duration = Annotated[float, BeforeValidator(parse_positive_duration), _DURATION, _SHOW_DURATION]
DurationOrZero = Annotated[float, BeforeValidator(parse_duration), _DURATION, _SHOW_DURATION]
Size = Annotated[int, BeforeValidator(parse_size), _SIZE, _SHOW_SIZE]
