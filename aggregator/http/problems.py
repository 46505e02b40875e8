"""A problem document says what went wrong with a request (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from types import MappingProxyType

import orjson

PROBLEM_TYPE = "application/problem+json"
# As RFC 9110 calls them, which Python does from 3.13 on.
_PHRASES = MappingProxyType({413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"})


def phrase(status: int) -> str:
    """The name of a status (RFC 9110, section 15)."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP response; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, detail: str, retry_after: float | None = None, **headers: str) -> Reply:
    """The problem document of a status; `retry_after` in seconds; header names with _ for -."""
    document = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after is not None:
        named["retry-after"] = str(max(1, ceil(retry_after)))
    return Reply(status, orjson.dumps(document), {"content-type": PROBLEM_TYPE, "cache-control": "no-store", **named})
