"""Sharing adds the header lines by which a browser lets a page of another origin read an answer (Fetch, CORS protocol).

No answer is kept with them: they are put in front of what is kept, by the Origin of each request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aggregator.http.heads import lines
from aggregator.http.problems import Reply, problem
from aggregator.http.slots import HEADER
from aggregator.model.cors import Cors
from aggregator.model.position import MIN_POSITION
from aggregator.model.screen import Screen

Headers = Mapping[bytes, bytes]
# What a page may read of an answer besides the fields that it always may, and send besides what is declared.
_EXPOSED = ("etag", "retry-after", "x-request-id")
_SENT = ("if-none-match", "x-request-id", MIN_POSITION)


class Sharing:
    """cors: None = nothing is shared."""

    def __init__(self, cors: Cors | None = None, screens: Iterable[Screen] = ()) -> None:
        self._cors = cors
        screens = [*screens]
        slots = [HEADER] if any(screen.tells_slots for screen in screens) else []
        cache = ["age", "cache-status"] if any(screen.tells_cache for screen in screens) else []
        challenge = ["www-authenticate"] if any(screen.claims for screen in screens) else []
        credentials = {"access-control-allow-credentials": "true"} if cors and cors.credentials else {}
        read = {**credentials, "access-control-expose-headers": ", ".join([*slots, *cache, *_EXPOSED, *challenge])}
        self._fields = {one: {"access-control-allow-origin": one, **read} for one in (cors.origins if cors else ())}
        self._lines = {one: lines(fields) for one, fields in self._fields.items()}
        # Those, too, that no slot uses: a page that sends them would be stopped by its browser.
        declared = [name for screen in screens for name in (*screen.deciding_headers, *screen.headers)]
        sent = {name: None for name in declared if name != "cookie"}
        self._asked = {
            "access-control-allow-methods": "GET, HEAD",
            "access-control-allow-headers": ", ".join({**sent, **dict.fromkeys(_SENT)}),
            "access-control-max-age": f"{cors.max_age if cors else 0:.0f}",
        }

    def fields(self, origin: str) -> dict[str, str]:
        """What an answer says to a page of the origin; nothing where that may not read it."""
        return self._fields.get(self._allowed(origin), {})

    def lines(self, origin: str) -> bytes:
        """The same as it goes on the wire; one object for all who are told the same, since blocks keep it."""
        return self._lines.get(self._allowed(origin), b"")

    def shared(self, reply: Reply, origin: str) -> Reply:
        """The reply to a request of the origin, with what it says to it, and that it depends on it."""
        if self._cors is None:
            return reply
        headers = reply.headers
        return replace(reply, headers={**self.fields(origin), **headers, "vary": headers.get("vary", "origin")})

    def preflight(self, headers: Headers) -> Reply | None:
        """The reply to a browser that asks first, for whatever path, since a page may read errors, too; None where the
        request is none of that kind, or nothing is shared."""
        if self._cors is None or b"access-control-request-method" not in headers:
            return None
        if self._cors.allowed(origin_of(headers)) is None:
            return problem(403, "Pages of this origin may not read answers; [cors] origins declares which may.")
        return Reply(200, b"", self._asked)

    def _allowed(self, origin: str) -> str:
        return (self._cors.allowed(origin) if self._cors else None) or ""


def origin_of(headers: Headers) -> str:
    """The Origin field, empty where there is none."""
    return headers.get(b"origin", b"").decode("latin-1")
