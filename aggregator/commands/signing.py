"""A request of a command, signed as a publisher signs (RFC 9421)."""

import time
import uuid
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPSignatureAlgorithm,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519, HMAC_SHA256

from aggregator.http.signatures import COVERED


class _Post(NamedTuple):
    url: str
    headers: dict[str, str]
    method: str = "POST"


def signed_headers(url: str, body: bytes, publisher: str, key: str) -> dict[str, str]:
    """The headers of a POST that prove who made it. key: a secret, or an Ed25519 private key in PEM; ValueError
    if it is a PEM that holds none."""
    algorithm, private = _read(key)
    post = _Post(url, {})
    resolver = MappingKeyResolver(public_keys={}, private_keys={publisher: private})  # type: ignore[dict-item]
    try:
        HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver).sign(
            post,
            key_id=publisher,
            created=datetime.fromtimestamp(int(time.time()), UTC),
            nonce=uuid.uuid4().hex,
            covered_component_ids=COVERED,
            body=body,
        )
    except HTTPMessageSignaturesException:
        raise ValueError("is no Ed25519 private key") from None
    return post.headers


def _read(key: str) -> tuple[type[HTTPSignatureAlgorithm], object]:
    if not key.startswith("-----BEGIN "):
        return HMAC_SHA256, key.encode()
    try:
        return ED25519, load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        raise ValueError("is no private key in PEM that can be read, without a passphrase") from None
