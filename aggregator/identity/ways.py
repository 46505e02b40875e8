"""The ways to verify a token, one a declared key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aggregator.identity.fetch import Fetch
from aggregator.identity.jwks import keys_in
from aggregator.identity.key_set import KeySet
from aggregator.identity.keys import Key, Keys, from_file, from_secret
from aggregator.identity.token import Claims, check_times, signed_claims, subject_of
from aggregator.identity.viewer import Viewer
from aggregator.model.catalogue import ViewerKey

# A claim may be any number, and a double is not.
_FOR_EVER = 2**53


class Proof(NamedTuple):
    """Who a token's bearer is, by which way, and by which key, of which only the digest is kept."""

    viewer: Viewer
    way: "Way"
    material: bytes


@dataclass(frozen=True, eq=False)
class Way:
    """keys: those of the declared one. key_set: where they come from, if they are fetched."""

    declared: ViewerKey
    keys: Keys
    key_set: KeySet | None = None

    def proof(self, token: str, kid: str | None, now: float) -> Proof | None:
        """What a key of this way proves, or None if none signed the token; Refused if one did and it does not count."""
        for key in self._candidates(kid):
            if (claims := signed_claims(token, key, self.declared)) is not None:
                self.check(claims, now)
                viewer = Viewer(subject_of(claims), claims, min(claims["exp"], _FOR_EVER) + self.declared.leeway)
                return Proof(viewer, self, key.material)
        return None

    def check(self, claims: Claims, now: float) -> None:
        """Refused if they are not valid at `now`."""
        check_times(claims, now, self.declared.leeway)

    def holds(self, material: bytes) -> bool:
        """Is the key still one of this way's?"""
        return any(key.material == material for key in self.keys.now())

    def missing(self, kid: str | None) -> KeySet | None:
        """The key set, if fetching it now may bring the key that is wanted."""
        if self.key_set is None or self._candidates(kid):
            return None
        return self.key_set if self.key_set.may_help() else None

    def refresh(self) -> None:
        """Let what is old be fetched behind."""
        if self.key_set:
            self.key_set.refresh()

    def _candidates(self, kid: str | None) -> Sequence[Key]:
        keys = self.keys.now()
        # A name means something in a set only: a key in a file has none to compare.
        named = self.key_set is not None and kid is not None
        return [key for key in keys if key.kid == kid] if named else keys


def way_of(declared: ViewerKey, key_sets: dict[str, KeySet], fetch: Fetch, now: Callable[[], float]) -> Way:
    """The way; two that name one URL share its key set, which is added to `key_sets`."""
    if declared.secret is not None:
        return Way(declared, from_secret(declared.algorithm, declared.secret))
    if declared.public_key_file is not None:
        return Way(declared, from_file(declared.algorithm, declared.public_key_file))
    url = declared.jwks_url or ""
    key_set = key_sets.setdefault(url, KeySet(url, fetch, now))
    return Way(declared, Keys(declared.algorithm, key_set.document, keys_in, url), key_set)
