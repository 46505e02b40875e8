"""What a client asks for besides the screen: a form (Accept), a condition (If-None-Match), a request id."""

import re
import secrets

MSGPACK = ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


def wants_msgpack(accept: str) -> bool:
    """Does the client prefer msgpack to JSON (RFC 9110, section 12.5.1)? Named wins over a wildcard of equal weight."""
    if "msgpack" not in accept:
        return False
    weights = dict(_weighted(media) for media in accept.lower().split(","))
    wild = max(weights.get("application/*", 0.0), weights.get("*/*", 0.0))
    named = max(weights.get(name, 0.0) for name in MSGPACK)
    return named > 0 and named >= weights.get("application/json", min(wild, named))


def _weighted(media: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in media.split(";"))
    given = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return name, float(given)
    except ValueError:
        return name, 0.0


def matches(if_none_match: str, etag: str) -> bool:
    """Is the entity tag among those of the field, by weak comparison (RFC 9110, section 13.1.2)?"""
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)


def request_id(given: bytes | None) -> str:
    """The client's own id if it is one, else a new one."""
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
