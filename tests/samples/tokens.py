"""Keys, and tokens signed with them, right and wrong in every way."""

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

NOW = 1_750_000_000.0
CLAIMS = {"sub": "u1", "exp": NOW + 60}
SECRET = b"0123456789abcdef" * 4
_EC: dict[str, Any] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@cache
def private(algorithm: str, which: str = "") -> Any:
    """A private key for the algorithm (or a kind: "RSA1024", "Ed448"), always the same one of a name."""
    if algorithm in _EC:
        return ec.generate_private_key(_EC[algorithm]())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    return rsa.generate_private_key(65537, 1024 if algorithm == "RSA1024" else 2048)


def pem(key: Any) -> bytes:
    """The public half."""
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def private_pem(key: Any) -> bytes:
    """The private half."""
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def jwk(algorithm: str, key: Any, **members: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    return {**jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True), **members}


def jwks(*keys: Any) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": keys}).encode()


def signed(claims: Any = CLAIMS, key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    """A right token."""
    return jwt.encode(claims, key, algorithm, headers=header)


def bearer(*args: Any, **kwargs: Any) -> str:
    """The Authorization header of `signed(…)`."""
    return "Bearer " + signed(*args, **kwargs)


def handmade(header: Any, payload: bytes, secret: bytes = SECRET) -> str:
    """A token signed with HS256, whatever is in it and whatever its header says."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    text = b".".join(map(_base64, (head, payload)))
    return b".".join((text, _base64(hmac.digest(secret, text, hashlib.sha256)))).decode()


def unsigned(header: Any, claims: Any = CLAIMS) -> str:
    """A token without signature."""
    return b".".join(_base64(json.dumps(part).encode()) for part in (header, claims)).decode() + "."


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
