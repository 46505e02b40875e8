"""The head of a hit: what is told of a held view this second, as bytes that are made at most once a second."""

from collections.abc import Mapping
from functools import cache
from math import floor

from aggregator.http.forms import fields
from aggregator.http.problems import Reply
from aggregator.http.slots import HEADER
from aggregator.model.held import Held
from aggregator.model.screen import Screen

REQUEST_ID = b"x-request-id: "


def lines(headers: Mapping[str, str]) -> bytes:
    """Header lines as they go on the wire."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("latin-1")


def head_of(reply: Reply) -> bytes:
    """All lines of a reply's head between its date and the value of its request id."""
    length = {} if reply.status == 304 else {"content-length": str(len(reply.body))}
    return lines({**reply.headers, **length}) + REQUEST_ID


class Template:
    """What `respond` says of a screen's views where they are ordinary hits, but for numbers."""

    def __init__(self, screen: Screen) -> None:
        self._client_max_age = screen.client_max_age
        self._tells_slots = screen.tells_slots
        slots = ", ".join(f'"{slot.name}";state=fresh;age=%d' for slot in screen.slots)
        kept = "no-cache" if screen.client_max_age is None else "max-age=%d"
        told = {
            "cache-control": f"private, {kept}",
            "cache-status": 'aggregator;hit;ttl=%d;detail="L1"',
            "vary": screen.varies,
            "age": "%d",
            **({HEADER: slots} if self._tells_slots else {}),
            "etag": '"%b%b"',
        }
        self._told = lines(told)

    def told(self, held: Held, form: str, second: int) -> bytes:
        """The lines that a 304 has, too, as of a second of the fleet's. form: of the entity tag."""
        at, fresh_until = held.times()
        age, left = max(0, floor(second - at)), fresh_until - second - 1
        numbers = [] if self._client_max_age is None else [age + max(0, floor(min(self._client_max_age, left)))]
        numbers += [max(0, floor(left)), age]
        if self._tells_slots:
            numbers += held.ages(second)
        return self._told % (*numbers, held.digest.hex().encode(), _suffix(form))


def body_lines(form: str, body: bytes) -> bytes:
    """The lines that a 200 has besides."""
    return b"%b%d\r\n" % (_kind(form), len(body))


@cache
def _suffix(form: str) -> bytes:
    return f"-{form}".encode() if form else b""


@cache
def _kind(form: str) -> bytes:
    return lines(fields(form)) + b"content-length: "
