"""A signed request: who made it, when and under which nonce, as its HTTP message signature says (RFC 9421)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519, HMAC_SHA256
from starlette.datastructures import Headers

COVERED = ("@method", "@path", "@query", "content-digest")
_ALGORITHMS: Mapping[str, type[HTTPSignatureAlgorithm]] = MappingProxyType(
    {"hmac-sha256": HMAC_SHA256, "ed25519": ED25519}
)
_NONCE = range(16, 129)


class NotSigned(ValueError):
    """No signature of the request is good; the text says what is expected, and nothing of keys."""


class Message(NamedTuple):
    """A request as it came. url: absolute, its path and query as they stood in the request line."""

    method: str
    url: str
    headers: Headers


class Signed(NamedTuple):
    """What a good signature says. created: Unix seconds."""

    nonce: str
    created: int


def verified(message: Message, body: bytes, publisher: str, algorithm: str, keys: Sequence[object]) -> Signed:
    """What the request's one signature says, if it was made with one of the keys; else NotSigned."""
    for key in keys:
        try:
            return _by(message, body, publisher, algorithm, key)
        except HTTPMessageSignaturesException:
            continue
    raise NotSigned(f"Sign with {algorithm} over {', '.join(COVERED)}, with created, nonce and keyid.")


def _by(message: Message, body: bytes, publisher: str, algorithm: str, key: object) -> Signed:
    resolver = MappingKeyResolver(public_keys={publisher: key}, private_keys={})  # type: ignore[dict-item]
    verifier = HTTPMessageVerifier(signature_algorithm=_ALGORITHMS[algorithm], key_resolver=resolver)
    # How old it is, is said by one clock for the whole fleet (`invalidation/nonces.py`).
    [result] = verifier.verify(message, max_age=None, require_components=COVERED, body=body)
    nonce = result.nonce or ""
    if len(nonce) not in _NONCE:
        raise NotSigned(f"expected a nonce of {_NONCE.start} to {_NONCE.stop - 1} characters")
    return Signed(nonce, int(result.parameters["created"]))
