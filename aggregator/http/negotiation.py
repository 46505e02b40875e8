"""What a client asks for besides the screen: MessagePack (Accept), and a request id."""

import re

from aggregator.http.ids import IDS

MSGPACK = ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack")
# What JSON is called, the most exact first.
_JSON = ("application/json", "application/*", "*/*")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


def wants_msgpack(accept: str) -> bool:
    """Does the client prefer msgpack to JSON (RFC 9110, section 12.5.1)? A wildcard stands for JSON that is not named;
    of equal weights msgpack wins, since it is."""
    accept = accept.lower()
    if "msgpack" not in accept:
        return False
    weights = dict(_weighted(media) for media in accept.split(","))
    named = max(weights.get(name, 0.0) for name in MSGPACK)
    return 0 < named >= next((weights[name] for name in _JSON if name in weights), 0.0)


def _weighted(media: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in media.split(";"))
    given = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return name, float(given)
    except ValueError:
        return name, 0.0


def is_id(given: bytes) -> bool:
    """Is it an id that a client may give its request?"""
    return _REQUEST_ID.fullmatch(given) is not None


def request_id(given: bytes | None) -> str:
    """The client's own id if it is one, else a new one, which is counted either way: it is for hits."""
    new = IDS.new()
    return given.decode() if given and is_id(given) else new
