"""A route is a screen's path: literal segments and typed parameters, matched on the path's raw bytes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from aggregator.model.tags import has_control

PARAMETER_TYPES = ("str", "int", "uuid")
MAX_PARAMETER_BYTES = 200
_SEGMENT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?\}")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class RouteMistake(ValueError):
    """The text is not a screen's path; the message says why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One placeholder of a path; `type` is one of PARAMETER_TYPES."""

    name: str
    type: str = "str"

    def read(self, raw: bytes) -> str | None:
        """The value that a raw path segment stands for, in its one canonical form; None if it is not of the type."""
        text = _decoded(raw)
        return None if text is None else self.read_text(text)

    def read_text(self, text: str) -> str | None:
        """The same, of text that is decoded already."""
        if not is_value(text):
            return None
        match self.type:
            case "int":
                return str(int(text)) if _INTEGER.fullmatch(text) else None
            case "uuid":
                return _uuid(text)
            case _:
                return text


def _decoded(raw: bytes) -> str | None:
    if _BROKEN_ESCAPE.search(raw):
        return None
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    return text


def is_value(text: str) -> bool:
    """Can the text be an input: 1 to 200 bytes of UTF-8 without control characters?"""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return 0 < size <= MAX_PARAMETER_BYTES and not has_control(text)


def _uuid(text: str) -> str | None:
    return text.lower() if _UUID.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Route:
    """`segments` as declared, after the leading slash."""

    text: str
    segments: tuple[str | Parameter, ...]

    @classmethod
    def parse(cls, text: str) -> "Route":
        """Read "/screens/home/{user_id:int}"; RouteMistake with the reason if it is not such a path."""
        if not text.startswith("/") or any(char in text for char in "?#% ") or "//" in text or text == "/":
            raise RouteMistake(f'"{text}" is no path of a screen: write one like "/screens/home/{{user_id}}"')
        segments = tuple(_segment(text, segment) for segment in text[1:].split("/"))
        names = [segment.name for segment in segments if isinstance(segment, Parameter)]
        if len(names) != len(set(names)):
            raise RouteMistake(f'"{text}" names a parameter twice')
        return cls(text, segments)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in order."""
        return tuple(segment for segment in self.segments if isinstance(segment, Parameter))

    @property
    def shape(self) -> tuple[str | None, ...]:
        """What decides which requests it takes: two routes of one shape take the same ones."""
        return tuple(segment if isinstance(segment, str) else None for segment in self.segments)

    def match(self, raw: list[bytes]) -> dict[str, str] | None:
        """The parameters' values if the raw segments are this route's, else None."""
        values: dict[str, str] = {}
        for segment, given in zip(self.segments, raw, strict=True):
            if isinstance(segment, str):
                if segment.encode() != given:
                    return None
            elif (value := segment.read(given)) is None:
                return None
            else:
                values[segment.name] = value
        return values


def _segment(text: str, segment: str) -> str | Parameter:
    match = _SEGMENT.fullmatch(segment)
    if match is None:
        if segment and re.fullmatch(r"[A-Za-z0-9._~-]+", segment) and segment not in (".", ".."):
            return segment
        raise RouteMistake(f'"{text}": the segment "{segment}" is neither plain text nor one {{parameter}}')
    if (kind := match[2] or "str") not in PARAMETER_TYPES:
        raise RouteMistake(f'"{text}": "{kind}" is no parameter type; there are {", ".join(PARAMETER_TYPES)}')
    return Parameter(match[1], kind)


class Routed(Protocol):
    """What has a route."""

    @property
    def route(self) -> Route: ...


R = TypeVar("R", bound=Routed)


class Routes(Generic[R]):
    """Finds the one whose route takes a raw path; literal segments win over parameters."""

    def __init__(self, routed: Iterable[R]) -> None:
        self._by_length: dict[int, list[R]] = {}
        for one in sorted(routed, key=lambda one: [isinstance(s, Parameter) for s in one.route.segments]):
            self._by_length.setdefault(len(one.route.segments), []).append(one)

    def find(self, raw_path: bytes) -> tuple[R, Mapping[str, str]] | None:
        """What takes the path (percent-encoded, without query), and its parameters' values."""
        raw = raw_path[1:].split(b"/")
        for one in self._by_length.get(len(raw), ()):
            if (values := one.route.match(raw)) is not None:
                return one, values
        return None
