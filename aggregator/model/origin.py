"""What an MBU says about its own answer: how long it is good, whether it may be kept, its tags and validators."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import http_sf

from aggregator.model.tags import tag_mistake
from cache_policies.policy import SILENT, Origin
from loaders.loader import UNREADABLE

# A directive of RFC 9111, section 5.2: a token, and perhaps a token or a quoted string as its argument.
_DIRECTIVE = re.compile(r'([A-Za-z0-9_-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?')
_DECISIVE = ("cache-control", "cache-tag", "surrogate-key", "cache-groups")
_SAYING = frozenset((*_DECISIVE, "set-cookie"))  # without one of these there is nothing to read, but for validators
_STALE_FORBIDDEN = ("must-revalidate", "proxy-revalidate", "no-cache")


@dataclass(frozen=True, slots=True)
class Said:
    """kept: may the answer be stored at all? lifetime: upper bounds. tags: those in the answer's headers."""

    kept: bool
    lifetime: Origin
    tags: tuple[str, ...]
    etag: str | None
    last_modified: str | None


def read_origin(headers: Mapping[str, str]) -> Said:
    """Read response headers (lower-case names). A tag that is none makes the answer one that is not kept, since
    what it depends on is then unknown."""
    if _SAYING.isdisjoint(headers):
        return Said(True, SILENT, (), headers.get("etag"), headers.get("last-modified"))
    directives = cache_control(headers.get("cache-control", ""))
    tags = _tags(headers)
    forbidden = {"no-store", "private"} & directives.keys()
    # What the loader could not read may have forbidden to keep it, or named a tag.
    unreadable = any(UNREADABLE in headers.get(name, "") for name in _DECISIVE)
    kept = not (forbidden or unreadable or "set-cookie" in headers or any(map(tag_mistake, tags)))
    return Said(
        kept,
        _lifetime(directives, headers.get("age", "")),
        tags,
        headers.get("etag"),
        headers.get("last-modified"),
    )


def cache_control(text: str) -> dict[str, str | None]:
    """The directives of a Cache-Control field, names in lower case."""
    return {match[1].lower(): match[2] if match[2] is not None else match[3] for match in _DIRECTIVE.finditer(text)}


def _lifetime(directives: Mapping[str, str | None], age: str) -> Origin:
    if not directives:
        return SILENT
    max_age = _seconds(directives, "s-maxage" if "s-maxage" in directives else "max-age")
    if "no-cache" in directives:
        max_age = 0.0
    elif max_age is not None:
        max_age = max(0.0, max_age - (float(age) if age.isascii() and age.isdigit() else 0.0))
    if any(name in directives for name in _STALE_FORBIDDEN):
        return Origin(max_age, 0.0, 0.0)
    return Origin(max_age, _seconds(directives, "stale-while-revalidate"), _seconds(directives, "stale-if-error"))


def _seconds(directives: Mapping[str, str | None], name: str) -> float | None:
    """None where the directive is not there; what cannot be read is taken for 0 (RFC 9111, section 4.2.1)."""
    if name not in directives:
        return None
    text = directives[name] or ""
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _tags(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Cache-Tag parts by commas, Surrogate-Key by spaces; Cache-Groups is a list of strings (RFC 9875)."""
    comma = (tag.strip() for tag in headers.get("cache-tag", "").split(","))
    space = headers.get("surrogate-key", "").split()
    return tuple(dict.fromkeys([*filter(None, comma), *space, *_groups(headers.get("cache-groups", ""))]))


def _groups(text: str) -> list[str]:
    try:
        members: Any = http_sf.parse(text.encode(), tltype="list") if text else []
    except ValueError:
        return []  # RFC 9875, section 2: what does not parse is ignored
    return [member[0] for member in members if isinstance(member[0], str)]
