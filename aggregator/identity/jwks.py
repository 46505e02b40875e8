"""A JWK Set read: the keys in it that an algorithm can verify with (RFC 7517, RFC 8037)."""

from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import orjson

from aggregator.identity.keys import Key, public
from aggregator.model.key_rules import public_key_mistake

# Without `d` and its like: a private key in a set is of no use here but as the public one.
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")


def jwks_of(document: bytes) -> list[Any]:
    """The members of the set, be they keys or not; ValueError if it is none."""
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise ValueError("it is no JSON; expected: a JWK Set") from None
    members = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(members, list):
        raise ValueError('it has no list "keys"; expected: a JWK Set (RFC 7517, section 5)')
    return members


def keys_in(algorithm: str, document: bytes) -> tuple[Key, ...]:
    """The keys that fit; those of other algorithms and uses are left out. ValueError if there is none."""
    keys = tuple(_fitting(algorithm, jwks_of(document)))
    if not keys:
        raise ValueError("the set holds no key that fits the algorithm")
    return keys


def _fitting(algorithm: str, members: list[Any]) -> Iterator[Key]:
    for jwk in members:
        if isinstance(jwk, dict) and jwk.get("use", "sig") == "sig" and jwk.get("alg", algorithm) == algorithm:
            key = _loaded(algorithm, jwk)
            if public_key_mistake(algorithm, key) is None:
                kid = jwk.get("kid")
                yield public(key, kid if isinstance(kid, str) else None)


def _loaded(algorithm: str, jwk: Mapping[str, Any]) -> Any:
    members = {name: jwk[name] for name in _PUBLIC if name in jwk}
    try:
        return jwt.get_algorithm_by_name(algorithm).from_jwk(members)
    except Exception:  # one that a library stumbles over must not spoil the others
        return None
