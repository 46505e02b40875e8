"""The head of a hit: what is told of a held view this second, as bytes that are made at most once a second."""

from binascii import hexlify
from collections.abc import Mapping
from functools import cache
from math import ceil, floor

from aggregator.http.forms import FORMS, fields
from aggregator.http.problems import Reply
from aggregator.http.slots import HEADER
from aggregator.model.held import Held, telling
from aggregator.model.screen import Screen


def lines(headers: Mapping[str, str]) -> bytes:
    """Header lines as they go on the wire."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("latin-1")


def head_of(reply: Reply) -> bytes:
    """All of a reply's head behind its date and request id."""
    length = {} if reply.status == 304 else {"content-length": str(len(reply.body))}
    return lines({**reply.headers, **length}) + b"\r\n"


class Template:
    """What `respond` says of a screen's views where they are ordinary hits, but for numbers."""

    def __init__(self, screen: Screen) -> None:
        self._client_max_age = screen.client_max_age
        self._tells_slots = screen.tells_slots
        self._unpack = telling(len(screen.slots)).unpack_from
        slots = ", ".join(f'"{slot.name}";state=fresh;age=%d' for slot in screen.slots)
        kept = "no-cache" if screen.client_max_age is None else "max-age=%d"
        told = {
            "cache-control": f"private, {kept}",
            "cache-status": 'aggregator;hit;ttl=%d;detail="L1"',
            "vary": screen.varies.replace("%", "%%"),  # which a header's name may hold
            "age": "%d",
            **({HEADER: slots} if self._tells_slots else {}),
            "etag": '"%b%b"',
        }
        self._told = lines(told)
        self._whole = {form: self._told + _kind(form) + b"%d\r\n\r\n" for form in FORMS}

    def head(self, held: Held, form: str, second: int, length: int) -> bytes:
        """All of the head behind date and request id, as of a second of the fleet's. length: bytes of the body, which
        is in the form."""
        return self._whole[form] % (*self._numbers(held, second), _suffix(form), length)

    def short(self, held: Held, form: str, second: int) -> bytes:
        """The same for a client that has a copy in the form."""
        return self._told % (*self._numbers(held, second), _suffix(form)) + b"\r\n"

    def _numbers(self, held: Held, second: int) -> tuple[int | bytes, ...]:
        at, fresh_for, digest, *made = self._unpack(held.rest)
        left = at + fresh_for - second - 1
        age, ages = second - ceil(at), [second - one for one in made] if self._tells_slots else []
        if age < 0 or (ages and min(ages) < 0):
            age, ages = max(0, age), [max(0, one) for one in ages]
        ttl = max(0, floor(left))
        if self._client_max_age is None:
            return (ttl, age, *ages, hexlify(digest))
        return (age + max(0, floor(min(self._client_max_age, left))), ttl, age, *ages, hexlify(digest))


@cache
def _suffix(form: str) -> bytes:
    return f"-{form}".encode() if form else b""


def _kind(form: str) -> bytes:
    return lines(fields(form)) + b"content-length: "
