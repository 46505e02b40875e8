"""What a publisher's key file holds: bearer keys or secrets, one a line, or public keys in PEM."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from aggregator.model.key_rules import public_key, secret_mistake

_PEM = re.compile(rb"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)
Key = object  # bytes of a secret, or a public key
Parse = Callable[[bytes], tuple[Key, ...]]


def _lines(content: bytes) -> tuple[bytes, ...]:
    return tuple(line.strip() for line in content.splitlines() if line.strip())


def _secrets(content: bytes) -> tuple[Key, ...]:
    for number, line in enumerate(_lines(content), 1):
        if why := secret_mistake("HS256", line):
            raise ValueError(f"the key on line {number} {why}")
    return _lines(content)


def _public_keys(content: bytes) -> tuple[Key, ...]:
    return tuple(public_key("Ed25519", pem) for pem in _PEM.findall(content))


_PARSE: Mapping[str | None, Parse] = MappingProxyType({None: _lines, "hmac-sha256": _secrets, "ed25519": _public_keys})


def parsed(signed: str | None, content: bytes) -> tuple[Key, ...]:
    """The keys in the content, one at least: lines, or for ed25519 PEM blocks. ValueError says what is wrong."""
    if keys := _PARSE[signed](content):
        return keys
    raise ValueError("it holds no key")
