"""What a key has to be for what it does: for a signature's algorithm, or for hashes."""

from typing import Literal, TypeAlias

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Algorithm: TypeAlias = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

# RFC 7518: the secret is at least as long as the hash (section 3.2), an RSA key has 2048 bits or more (3.3), and each
# ES algorithm has one curve (3.4).
_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_RSA_BITS = 2048
_CURVES = {"ES256": ("secp256r1", "P-256"), "ES384": ("secp384r1", "P-384"), "ES512": ("secp521r1", "P-521")}
HASH_KEY_BYTES = 16


def is_symmetric(algorithm: str) -> bool:
    """Does the algorithm verify with the secret that signs (HS256, HS384, HS512)?"""
    return algorithm in _SECRET_BYTES


def without_line_end(content: bytes) -> bytes:
    """A secret as it stands in a file or variable, less the line break that editors put at its end."""
    return content.rstrip(b"\r\n")


def secret_mistake(algorithm: str, secret: bytes) -> str | None:
    """Why the secret is none for the HS algorithm, or None if it is one."""
    if why := _too_short(secret, _SECRET_BYTES[algorithm], f"for {algorithm} (RFC 7518, section 3.2)"):
        return why
    try:
        jwt.get_algorithm_by_name(algorithm).prepare_key(secret)
    except jwt.InvalidKeyError:
        return "holds a public key, a certificate or a JWK; expected: bytes that nobody else knows"
    return None


def hash_key_mistake(key: bytes) -> str | None:
    """Why the key is none to make hashes with, or None if it is one."""
    return _too_short(key, HASH_KEY_BYTES, "so that nobody guesses it")


def _too_short(secret: bytes, least: int, why: str) -> str | None:
    return f"has {len(secret)} bytes; expected: at least {least}, {why}" if len(secret) < least else None


def public_key_mistake(algorithm: str, key: object) -> str | None:
    """Why the key cannot verify what the algorithm signs, or None if it can."""
    match key:
        case RSAPublicKey() if algorithm[:2] in ("RS", "PS"):
            few = key.key_size < _RSA_BITS
            return f"has {key.key_size} bits; expected: at least {_RSA_BITS} (RFC 7518, section 3.3)" if few else None
        case EllipticCurvePublicKey() if algorithm in _CURVES and key.curve.name == _CURVES[algorithm][0]:
            return None
        case Ed25519PublicKey() if algorithm in ("EdDSA", "Ed25519"):
            return None
        case Ed448PublicKey() if algorithm == "EdDSA":
            return None
    return f"is not of the kind that {algorithm} needs; expected: {_kind(algorithm)}"


def _kind(algorithm: str) -> str:
    if algorithm in _CURVES:
        return f"an EC key on the curve {_CURVES[algorithm][1]}"
    return {"EdDSA": "an Ed25519 or Ed448 key", "Ed25519": "an Ed25519 key"}.get(algorithm, "an RSA key")


def public_key(algorithm: str, pem: bytes) -> PublicKey:
    """The key in PEM, itself or in a certificate; ValueError says why it is none for the algorithm."""
    key = _loaded(pem)
    if why := public_key_mistake(algorithm, key):
        raise ValueError(f"the key {why}")
    assert isinstance(key, PublicKey)
    return key


def _loaded(pem: bytes) -> object:
    if b"PRIVATE KEY-----" in pem:
        raise ValueError("it holds a private key; expected: the public one, or a certificate, alone")
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            return x509.load_pem_x509_certificate(pem).public_key()
        return load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it holds no public key or certificate that can be read; expected: PEM") from None
