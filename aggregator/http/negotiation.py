"""What a client asks for besides the screen: MessagePack (Accept), and a request id."""

import re
import secrets
from itertools import count

MSGPACK = ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


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


# Of this process, so that two do not give the same id; hits count on their own.
ID_PREFIX = secrets.token_hex(4).encode()
_ids = map(f"{secrets.token_hex(4)}%08x".__mod__, count())


def request_id(given: bytes | None) -> str:
    """The client's own id if it is one, else a new one: eight digits of this process, and a count."""
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else next(_ids)
