"""Pydantic's errors in our own words: what was expected, and what stands there instead."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from aggregator.units import shown

Place = tuple[str | int, ...]

_EXPECTED = {
    "string_type": "expected a string",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_parsing_size": "expected a whole number of ordinary size",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
    "list_type": "expected a list",
}


def errors_of(error: ValidationError) -> list[tuple[Place, str, dict[str, Any]]]:
    """Place, message and the error itself, for each. Marks of unions ("<…>") and of keys are no part of a place."""
    found = []
    for one in error.errors(include_url=False):
        place = tuple(part for part in one["loc"] if not _is_mark(part))
        found.append((place, message(dict(one)), dict(one)))
    return found


def _is_mark(part: str | int) -> bool:
    return part == "[key]" or (isinstance(part, str) and part.startswith("<") and part.endswith(">"))


def message(error: Mapping[str, Any]) -> str:
    """One line on one error, without the value where `ValueError`s of our own chose not to show it."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind]}, not {shown(error['input'])}"
    if kind == "literal_error":
        return f"expected {str(context['expected']).replace(chr(39), chr(34))}, not {shown(error['input'])}"
    return _bound(kind, context, error) or str(error["msg"])


def _bound(kind: str, context: Mapping[str, Any], error: Mapping[str, Any]) -> str | None:
    given = shown(error["input"])
    match kind:
        case "extra_forbidden":
            return "unknown key"
        case "too_short":
            return "expected at least one entry, there is none"
        case "greater_than_equal":
            return f"expected a number of at least {context['ge']:g}, not {given}"
        case "greater_than":
            return f"expected a number above {context['gt']:g}, not {given}"
        case "less_than_equal":
            return f"expected a number of at most {context['le']:g}, not {given}"
        case "less_than":
            return f"expected a number below {context['lt']:g}, not {given}"
        case _:
            return None
