"""Reading the inputs of a request: what the screen declares to see of it, its viewer verified, and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from aggregator.http.problems import Reply, problem
from aggregator.identity.viewer import Unverified, Viewer
from aggregator.identity.viewers import Viewers
from aggregator.model.fragment import SUBJECT
from aggregator.model.inputs import MAX_FORWARDED_BYTES, InputMistake, Inputs, read_cookies, read_field, read_query
from aggregator.model.screen import Screen

Headers = Mapping[bytes, bytes]
_CLAIM = "viewer."
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
        found = self.read_now(screen, path, query, headers)
        if found is None:
            viewer = await self._viewers.verify(_authorization(headers))
            found = self._told(screen, self._values(screen, path, query, headers), viewer)
        return found

    def read_now(
        self, screen: Screen, path: Mapping[str, str], query: bytes, headers: Headers
    ) -> Inputs | Reply | None:
        """The same; None where a key set has to be fetched first."""
        if len(screen.inputs) == len(path) and not screen.queries:
            return Inputs(path)
        try:
            values = self._values(screen, path, query, headers)
        except InputMistake as mistake:
            return problem(400, f"{str(mistake)[0].upper()}{str(mistake)[1:]}.")
        if not screen.claims:
            return Inputs(values, self._marks(values))
        viewer = self.viewer(headers)
        return None if viewer is None else self._told(screen, values, viewer)

    def read_claimed(
        self, screen: Screen, path: Mapping[str, str], query: bytes, headers: Headers, claims: Mapping[str, str]
    ) -> Inputs:
        """The same for a viewer whose claims (by input) are taken at their word; InputMistake where one of the inputs
        is not as declared."""
        values = {**self._values(screen, path, query, headers), **claims}
        return Inputs(values, self._marks(values), claims.get(SUBJECT))

    def read_headers(self, names: Iterable[str], headers: Headers) -> Inputs | None:
        """Those of these inputs alone, all out of the headers; None where one cannot be had, or not yet."""
        try:
            values = dict(_fields(names, headers))
        except InputMistake:
            return None
        wanted = [name for name in names if name.startswith(_CLAIM)]
        viewer = self.viewer(headers) if wanted else None
        claims = _claimed(wanted, viewer) if isinstance(viewer, Viewer) else {}
        if isinstance(claims, Unverified) or len(claims) < len(wanted):
            return None
        return Inputs({**values, **claims}, self._marks(values))

    def viewer(self, headers: Headers) -> Viewer | Unverified | None:
        """Who asks, or why nobody does; None = a key set has to be fetched first."""
        return self.bearer(_authorization(headers))

    def bearer(self, authorization: str | None) -> Viewer | Unverified | None:
        """The same, given the Authorization field."""
        return self._viewers.known(authorization)

    def _values(self, screen: Screen, path: Mapping[str, str], query: bytes, headers: Headers) -> dict[str, str]:
        return {**path, **read_query(screen.queries, query), **dict(_fields(screen.inputs, headers))}

    def _told(self, screen: Screen, values: Mapping[str, str], viewer: Viewer | Unverified) -> Inputs | Reply:
        if isinstance(viewer, Unverified):
            return _unverified(screen, viewer)
        claims = _claimed(screen.claims, viewer)
        if isinstance(claims, Unverified):
            return _unverified(screen, claims)
        return Inputs({**values, **claims}, self._marks(values), viewer.subject)

    def _marks(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: self._hashing(value) for name, value in values.items() if name.startswith(_SECRET)}


def _fields(names: Iterable[str], headers: Headers) -> Iterator[tuple[str, str]]:
    """The headers and cookies among the inputs; an absent one is the same as an empty one."""
    names = [*names]
    wanted = [name.removeprefix("cookie.") for name in names if name.startswith("cookie.")]
    cookies = read_cookies(_text(headers, "cookie"), wanted) if wanted else {}
    for name in names:
        kind, _, own = name.partition(".")
        match kind:
            case "header":
                yield name, read_field("header", own, _text(headers, own))
            case "cookie":
                yield name, read_field("cookie", own, cookies.get(own, ""))
            case "forward":
                yield name, read_field("header", own, _text(headers, own), MAX_FORWARDED_BYTES)


def _claimed(names: Iterable[str], viewer: Viewer) -> dict[str, str] | Unverified:
    claims = {name: viewer.claim(name.removeprefix(_CLAIM)) for name in names}
    lacking = next((name for name, value in claims.items() if value is None), None)
    if lacking is not None:
        claim = lacking.removeprefix(_CLAIM)
        return Unverified(f"The token has no claim {claim} that is a short text or a whole number.", missing=False)
    return {name: value for name, value in claims.items() if value is not None}


def _unverified(screen: Screen, why: Unverified) -> Reply:
    """RFC 6750, section 3: no error code where no token was sent."""
    challenge = "Bearer" if why.missing else 'Bearer error="invalid_token"'
    return problem(401, why.detail, www_authenticate=challenge, vary=screen.varies)


def _authorization(headers: Headers) -> str | None:
    return _text(headers, "authorization") if b"authorization" in headers else None


def _text(headers: Headers, name: str) -> str:
    return headers.get(name.encode(), b"").decode("latin-1")
