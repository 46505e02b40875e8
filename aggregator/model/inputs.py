"""The inputs of a request are what it declares to be seen: nothing else of it reaches a key or an MBU."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl

from aggregator.model.route import Parameter
from aggregator.model.tags import has_control

MAX_INPUT_BYTES = 1_024
MAX_FORWARDED_BYTES = 8_192
MAX_QUERY_FIELDS = 256
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Query:
    """A declared query parameter. default: its text where it is not given; None = it has to be."""

    parameter: Parameter
    default: str | None = None


def default_text(parameter: Parameter, written: str) -> str | None:
    """The canonical text of a default, which may also be no text at all; None if it is not of the type."""
    return "" if not written and parameter.type == "str" else parameter.read_text(written)


@dataclass(frozen=True, slots=True)
class Inputs:
    """values: by name, as MBUs are told them. marks: what stands in keys for those values that are secrets.
    subject: the viewer's, where any of the values is a claim of theirs."""

    values: Mapping[str, str]
    marks: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    subject: str | None = None

    def mark(self, name: str) -> str:
        """What decides a key: the value, or what stands for it."""
        return self.marks.get(name) or self.values[name]


class InputMistake(ValueError):
    """What a client sent cannot be an input; the message says which, and what was expected."""


def read_query(declared: Iterable[Query], query_string: bytes) -> dict[str, str]:
    """`query.NAME` → the canonical text of each declared parameter (RFC 3986 escapes, + as a space); InputMistake if
    one is of another type, given twice, or missing without a default, or there are more than MAX_QUERY_FIELDS fields,
    declared or not. What is given empty is not given."""
    text, escaped = query_string.decode(errors="surrogateescape"), "surrogateescape"
    try:
        pairs = parse_qsl(text, encoding="utf-8", errors=escaped, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise InputMistake(f"the query has more than {MAX_QUERY_FIELDS} fields") from None
    return {f"query.{query.parameter.name}": _query(query, pairs) for query in declared}


def _query(query: Query, pairs: list[tuple[str, str]]) -> str:
    name = query.parameter.name
    given = [value for key, value in pairs if key == name]
    if len(given) > 1:
        raise InputMistake(f"the query parameter {name} is given {len(given)} times; expected: once")
    if not given:
        if query.default is None:
            raise InputMistake(f"the query parameter {name} is missing")
        return query.default
    value = query.parameter.read_text(given[0])
    if value is None:
        raise InputMistake(f"the query parameter {name} is not of its type, {query.parameter.type}")
    return value


def read_cookies(text: str, names: Collection[str]) -> dict[str, str]:
    """The cookies of these names in a Cookie field (RFC 6265, section 4.2.1), the first of a name; a pair of quotes
    around a value is no part of it, and nothing else is decoded."""
    found: dict[str, str] = {}
    for pair in text.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() in names:
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            found.setdefault(name.strip(), value[1:-1] if quoted else value)
    return found


def read_field(kind: str, name: str, text: str, longest: int = MAX_INPUT_BYTES) -> str:
    """The value of a header or cookie, without the white space around it; InputMistake if it holds control characters,
    is no UTF-8, or has more than `longest` bytes. text: its bytes as Latin-1."""
    try:
        value = text.encode("latin-1").decode().strip(" \t")
    except UnicodeError:
        raise InputMistake(f"the {kind} {name} is not UTF-8 text") from None
    if has_control(value) or len(text) > longest:
        raise InputMistake(f"the {kind} {name} has control characters, or more than {longest} bytes")
    return value
