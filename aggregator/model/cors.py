"""Cross-origin sharing: the origins whose pages may read answers in a browser (Fetch standard, CORS protocol)."""

from dataclasses import dataclass

ANY = "*"


@dataclass(frozen=True)
class Cors:
    """origins: as browsers write them; ANY stands for all but the opaque one, `null`. credentials: may a page have the
    browser send cookies? max_age: seconds for which a browser may remember the answer to a preflight."""

    origins: tuple[str, ...]
    credentials: bool = False
    max_age: float = 600.0

    def allowed(self, origin: str) -> str | None:
        """What Access-Control-Allow-Origin says to a page of this origin; None = it may read nothing."""
        if origin in self.origins and origin != ANY:
            return origin
        return ANY if ANY in self.origins and origin not in ("", "null") else None
