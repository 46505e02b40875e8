"""What a token says, and whether a key's signature and its declaration bear that out."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

from aggregator.identity.keys import Key
from aggregator.identity.viewer import MAX_CLAIM_BYTES, claim_text
from aggregator.model.catalogue import ViewerKey

Claims = Mapping[str, Any]
_NO_JWT = "is no JWT; send it as its issuer made it"


class Refused(Exception):
    """The token counts for nothing; the text goes on from "The token …" and is for the client."""


class Header(NamedTuple):
    """What the token says of itself, of which nothing is verified."""

    algorithm: object
    kid: str | None


def header_of(token: str) -> Header:
    """The header; Refused if the token has not the form of a JWT."""
    try:
        header = jwt.get_unverified_header(token)
    except Exception:  # whatever a stranger's bytes make a parser stumble over, they are no token
        raise Refused(_NO_JWT) from None
    return Header(header.get("alg"), header.get("kid"))


def signed_claims(token: str, key: Key, declared: ViewerKey) -> Claims | None:
    """The claims if the key signed them, None if it did not; Refused if it did and they are not for us."""
    try:
        return jwt.decode(
            token,
            key.key,
            algorithms=[declared.algorithm],
            audience=declared.audience,
            issuer=declared.issuer,
            # Times are compared by `check_times`, at each use and on the fleet's clock; the subject by `subject_of`.
            options={
                **{"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False},
                **{"verify_jti": False, "verify_aud": declared.audience is not None},
            },
        )
    except jwt.InvalidSignatureError:
        return None
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError, jwt.MissingRequiredClaimError):
        raise Refused("is for another audience or from another issuer; ask for one that is meant for here") from None
    except Exception:  # as above
        raise Refused(_NO_JWT) from None


def subject_of(claims: Claims) -> str:
    """The `sub` claim; Refused if there is none that names a viewer."""
    if (subject := claim_text(claims.get("sub"))) is None:
        raise Refused(
            f'has no usable "sub"; expected: a string of 1 to {MAX_CLAIM_BYTES} bytes without control characters'
        )
    return subject


def check_times(claims: Claims, now: float, leeway: float) -> None:
    """Refused if the token is not valid at `now` (RFC 7519, sections 4.1.4 to 4.1.6; iat as PyJWT takes it)."""
    if "exp" not in claims:
        raise Refused('has no "exp"; ask for one that expires')
    if _time(claims, "exp") <= now - leeway:
        raise Refused("has expired; ask for a new one")
    for name in ("nbf", "iat"):
        if name in claims and _time(claims, name) > now + leeway:
            raise Refused(f'is not valid yet: its "{name}" lies ahead; try again later, or check the issuer\'s clock')


def _time(claims: Claims, name: str) -> int | float:
    """Seconds since the Unix epoch."""
    match claims[name]:
        case bool():
            pass
        case int(whole):
            return whole
        case float(number) if math.isfinite(number):
            return number
    raise Refused(f'has a wrong "{name}"; expected: a number of seconds')
