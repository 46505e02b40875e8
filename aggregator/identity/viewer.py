"""A viewer is somebody whose token was verified; whoever is not is told why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from aggregator.model.tags import has_control

MAX_CLAIM_BYTES = 200


@dataclass(frozen=True, slots=True)
class Viewer:
    """subject: the `sub` claim (RFC 7519, section 4.1.2), 1 to 200 bytes. claims: all, as the token has them.
    until: when the token expires, fleet seconds, the leeway included."""

    subject: str
    claims: Mapping[str, Any]
    until: float = field(default=inf, compare=False)

    def claim(self, path: str) -> str | None:
        """The text of a claim such as "sub" or "org.id", where dots lead into objects; None if there is no text or
        whole number of 1 to 200 bytes without control characters."""
        found: Any = self.claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        whole = isinstance(found, int) and not isinstance(found, bool)
        return claim_text(str(found) if whole else found)


def claim_text(found: object) -> str | None:
    """The same if it is a text that may stand in keys and tags: 1 to 200 bytes, valid, without control characters."""
    if not isinstance(found, str) or has_control(found):
        return None
    try:
        return found if 1 <= len(found.encode()) <= MAX_CLAIM_BYTES else None
    except UnicodeEncodeError:
        return None  # a lone surrogate, which JSON can write and UTF-8 cannot


@dataclass(frozen=True, slots=True)
class Unverified:
    """detail: for the client, without anything of the token. missing: no token was sent at all, so that the answer's
    WWW-Authenticate names no error (RFC 6750, section 3.1)."""

    detail: str
    missing: bool
