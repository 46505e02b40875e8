"""The keys that a declared one stands for now, read anew when what holds them has changed."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aggregator.credentials import Credential, Unreadable
from aggregator.model.catalogue import Secret
from aggregator.model.key_rules import PublicKey, public_key, secret_mistake, without_line_end

_log = structlog.get_logger()
Parse = Callable[[str, bytes], "tuple[Key, ...]"]


class Key(NamedTuple):
    """What verifies. material: a digest of it, by which a key is known again. kid: its name in a key set (RFC 7517)."""

    key: bytes | PublicKey
    material: bytes
    kid: str | None = None


class Keys:
    """read: what holds them, or None where that cannot be had now. parse: the keys in it, given the algorithm;
    ValueError says what is wrong. name: for the log."""

    def __init__(self, algorithm: str, read: Callable[[], bytes | None], parse: Parse, name: str) -> None:
        self._algorithm, self._read, self._parse, self._name = algorithm, read, parse, name
        self._content: bytes | None = None
        self._keys: tuple[Key, ...] = ()

    def now(self) -> tuple[Key, ...]:
        """The keys, none of which is older than what holds them; none if that is gone or wrong."""
        if (content := self._read()) != self._content:
            self._content, self._keys = content, self._parsed(content)
        return self._keys

    def _parsed(self, content: bytes | None) -> tuple[Key, ...]:
        if content is None:
            return ()
        try:
            return self._parse(self._algorithm, content)
        except ValueError as wrong:
            _log.warning("no key for viewers' tokens", key=self._name, algorithm=self._algorithm, why=str(wrong))
            return ()


def from_secret(algorithm: str, secret: Secret) -> Keys:
    """Of a secret (HS256, HS384, HS512)."""
    return Keys(algorithm, _reading(secret), _secret_key, secret.file or secret.env or "")


def from_file(algorithm: str, file: str) -> Keys:
    """Of a public key or a certificate in PEM."""
    return Keys(algorithm, _reading(Secret(file=file)), _pem_key, file)


def public(key: PublicKey, kid: str | None = None) -> Key:
    """A public key, with its digest."""
    return Key(key, _digest(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)), kid)


def _reading(secret: Secret) -> Callable[[], bytes | None]:
    credential = Credential(secret)

    def read() -> bytes | None:
        try:
            return credential.read()
        except Unreadable:
            return None  # being replaced, perhaps; it is logged, and until then nobody is verified by it

    return read


def _secret_key(algorithm: str, content: bytes) -> tuple[Key, ...]:
    secret = without_line_end(content)
    if why := secret_mistake(algorithm, secret):
        raise ValueError(f"the secret {why}")
    return (Key(secret, _digest(secret)),)


def _pem_key(algorithm: str, content: bytes) -> tuple[Key, ...]:
    return (public(public_key(algorithm, content)),)


def _digest(material: bytes) -> bytes:
    return hashlib.blake2b(material, digest_size=32).digest()
