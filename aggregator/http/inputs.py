"""Reading the inputs of a request: what the screen declares to see of it, its viewer verified, and nothing else."""

from collections.abc import Callable, Iterator, Mapping

from aggregator.http.problems import Reply, problem
from aggregator.identity.viewer import Unverified, Viewer
from aggregator.identity.viewers import Viewers
from aggregator.model.inputs import MAX_FORWARDED_BYTES, InputMistake, Inputs, read_cookies, read_field, read_query
from aggregator.model.screen import Screen

Headers = Mapping[bytes, bytes]
# Inputs whose values may be secrets: in keys a keyed hash stands for each.
_SECRET = ("cookie.", "forward.")


class InputReader:
    """hashing: makes of a secret what stands for it in keys."""

    def __init__(self, viewers: Viewers, hashing: Callable[[str], str]) -> None:
        self._viewers = viewers
        self._hashing = hashing

    async def read(self, screen: Screen, path: Mapping[str, str], query: bytes, headers: Headers) -> Inputs | Reply:
        """The inputs; or 401 where the screen needs a viewer and there is none, 400 where one is not as declared.

        path: the values of the path's parameters.
        """
        if len(screen.inputs) == len(path) and not screen.queries:
            return Inputs(path)
        try:
            values = {**path, **read_query(screen.queries, query), **dict(self._fields(screen, headers))}
        except InputMistake as mistake:
            return problem(400, f"{str(mistake)[0].upper()}{str(mistake)[1:]}.")
        marks = {name: self._hashing(value) for name, value in values.items() if name.startswith(_SECRET)}
        if not screen.claims:
            return Inputs(values, marks)
        viewer = await self._viewer(headers)
        if isinstance(viewer, Unverified):
            return _unverified(screen, viewer)
        claims = _claimed(screen, viewer)
        return claims if isinstance(claims, Reply) else Inputs({**values, **claims}, marks, viewer.subject)

    def _fields(self, screen: Screen, headers: Headers) -> Iterator[tuple[str, str]]:
        """Declared headers and cookies that some slot uses; an absent one is the same as an empty one."""
        cookies = read_cookies(_text(headers, "cookie"), screen.cookies) if screen.cookies else {}
        for name in screen.headers:
            if f"header.{name}" in screen.used:
                yield f"header.{name}", read_field("header", name, _text(headers, name))
        for name in screen.cookies:
            if f"cookie.{name}" in screen.used:
                yield f"cookie.{name}", read_field("cookie", name, cookies.get(name, ""))
        for name in screen.forwarded:
            yield f"forward.{name}", read_field("header", name, _text(headers, name), MAX_FORWARDED_BYTES)

    async def _viewer(self, headers: Headers) -> Viewer | Unverified:
        authorization = _text(headers, "authorization") if b"authorization" in headers else None
        return self._viewers.known(authorization) or await self._viewers.verify(authorization)


def _claimed(screen: Screen, viewer: Viewer) -> dict[str, str] | Reply:
    claims = {name: viewer.claim(name.removeprefix("viewer.")) for name in screen.claims}
    lacking = next((name for name, value in claims.items() if value is None), None)
    if lacking is not None:
        claim = lacking.removeprefix("viewer.")
        wanted = f"The token has no claim {claim} that is a short text or a whole number."
        return _unverified(screen, Unverified(wanted, missing=False))
    return {name: value for name, value in claims.items() if value is not None}


def _unverified(screen: Screen, why: Unverified) -> Reply:
    """RFC 6750, section 3: no error code where no token was sent."""
    challenge = "Bearer" if why.missing else 'Bearer error="invalid_token"'
    return problem(401, why.detail, www_authenticate=challenge, vary=screen.varies)


def _text(headers: Headers, name: str) -> str:
    return headers.get(name.encode(), b"").decode("latin-1")
