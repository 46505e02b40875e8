"""The head of a hit: what is told of a held view this second, as bytes that are made at most once a second."""

from collections.abc import Mapping
from functools import cache
from math import floor

from aggregator.events import Tally
from aggregator.http.forms import FORMS, fields
from aggregator.http.problems import Reply, phrase
from aggregator.http.slots import HEADER
from aggregator.model.held import LEVEL, TOLD, Held, made
from aggregator.model.screen import Screen

# Texts of each kind that are remembered for a screen.
_MOST = 4_096
Parts = tuple[bytes, bytes, bytes, bytes, bytes]
_TEXTS = [b"%d" % number for number in range(_MOST)]


def lines(headers: Mapping[str, str]) -> bytes:
    """Header lines as they go on the wire."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("latin-1")


def head_of(reply: Reply) -> bytes:
    """All of a reply's head behind its date and request id."""
    length = {} if reply.status == 304 else {"content-length": str(len(reply.body))}
    return lines({**reply.headers, **length}) + b"\r\n"


def raw(reply: Reply, date: str, name: str, head: bool = False) -> bytes:
    """The whole response as it goes on the wire. name: the request's id. head: is it one to HEAD?"""
    start = f"HTTP/1.1 {reply.status} {phrase(reply.status)}\r\ndate: {date}\r\nx-request-id: {name}\r\n"
    return b"".join((start.encode(), head_of(reply), b"" if head else reply.body))


class Template(Tally):
    """What `respond` says of a screen's views where they are ordinary hits, but for numbers; and how often it did.

    It is put together of texts that views have in common, since a view that is asked for rarely pays for its head each
    time: what is the same for one age, what is the same for one length, and between them the entity tag.
    """

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._longest = None if screen.client_max_age is None else floor(screen.client_max_age)
        self._tells_slots = screen.tells_slots
        self._made = made(len(screen.slots)).unpack_from
        kept = "no-cache" if screen.client_max_age is None else "max-age=%d"
        self._begin = f"cache-control: private, {kept}\r\ncache-status: aggregator;hit;ttl=".encode()
        told = {"vary": screen.varies.replace("%", "%%"), "age": "%d"}  # which a header's name may hold
        if self._tells_slots:
            told[HEADER] = ", ".join(f'"{slot.name}";state=fresh;age=%d' for slot in screen.slots)
        self._aged = b';detail="L1"\r\n' + lines(told) + b'etag: "'
        self._slots = len(screen.slots) if self._tells_slots else 0
        self._by_age: dict[int, bytes] = {}
        self._by_length: dict[str, dict[int, bytes]] = {form: {} for form in FORMS}

    def head(self, held: Held, form: str, second: int, length: int) -> Parts:
        """All of the head behind date and request id, as of a second of the fleet's, in pieces. length: bytes of the
        body, which is in the form."""
        flags, at, until, digest = TOLD.unpack_from(held.rest)
        ttl, age = until - second - 1, second - at
        if ttl < 0:
            ttl = 0
        begin = self._begin if self._longest is None else self._begin % (max(0, age) + min(self._longest, ttl))
        aged = (self._by_age.get(age) or self._of_age(age)) if flags >= LEVEL else self._of_each(held, age, second)
        end = self._by_length[form].get(length) or self._of_length(form, length)
        return begin, _TEXTS[ttl] if ttl < _MOST else b"%d" % ttl, aged, digest, end

    def short(self, held: Held, form: str, second: int) -> bytes:
        """The same for a client that has a copy in the form."""
        return b"".join((*self.head(held, form, second, 0)[:-1], _suffix(form), b'"\r\n\r\n'))

    def _of_each(self, held: Held, age: int, second: int) -> bytes:
        ages = [max(0, second - one) for one in self._made(held.rest)] if self._tells_slots else []
        return self._aged % (max(0, age), *ages)

    def _of_age(self, age: int) -> bytes:
        if len(self._by_age) >= _MOST:
            self._by_age.clear()
        self._by_age[age] = text = self._aged % ((max(0, age),) * (1 + self._slots))
        return text

    def _of_length(self, form: str, length: int) -> bytes:
        lengths = self._by_length[form]
        if len(lengths) >= _MOST:
            lengths.clear()
        text = b'%b"\r\n%bcontent-length: %d\r\n\r\n' % (_suffix(form), lines(fields(form)), length)
        lengths[length] = text
        return text


class Silent(Template):
    """The same of a screen whose answers tell nothing of the cache: nothing of it changes but tag and length."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._same = b"cache-control: private, no-cache\r\n" + lines({"vary": screen.varies}) + b'etag: "'

    def head(self, held: Held, form: str, second: int, length: int) -> Parts:
        """See `Template`."""
        end = self._by_length[form].get(length) or self._of_length(form, length)
        return self._same, b"", b"", TOLD.unpack_from(held.rest)[3], end


def template(screen: Screen) -> Template:
    """The one for the screen's views."""
    return Template(screen) if screen.tells_cache else Silent(screen)


@cache
def _suffix(form: str) -> bytes:
    return f"-{form}".encode() if form else b""
