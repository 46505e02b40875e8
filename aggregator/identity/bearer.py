"""The bearer token of a request, out of its Authorization header."""

from aggregator.identity.viewer import Unverified

MAX_TOKEN_BYTES = 8 * 1024


def bearer_token(authorization: str | None) -> str | Unverified:
    """The token of `Bearer <token>` (RFC 6750, section 2.1), or why there is none. Another scheme is no token."""
    scheme, _, rest = (authorization or "").partition(" ")
    token = rest.strip(" ")
    if scheme.lower() != "bearer" or not token:
        return Unverified("Send a viewer's token: Authorization: Bearer <token>.", missing=True)
    if len(token) > MAX_TOKEN_BYTES:
        return _refused(f"is longer than the {MAX_TOKEN_BYTES} bytes that are taken; ask for one with fewer claims")
    if not token.isascii():
        return _refused("is no JWT: it has characters that are not ASCII; send it as its issuer made it")
    return token


def _refused(why: str) -> Unverified:
    return Unverified(f"The token {why}.", missing=False)
