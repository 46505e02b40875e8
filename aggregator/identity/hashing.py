"""A keyed hash stands for a secret text wherever keys are stored or shown."""

import hashlib

from aggregator.credentials import Credential
from aggregator.model.catalogue import Secret
from aggregator.model.key_rules import hash_key_mistake, without_line_end

_LONGEST = hashlib.blake2b.MAX_KEY_SIZE


class Hashing:
    """Gives 32 hex digits for a text: the same ones under the same key, and nothing without it (BLAKE2b, RFC 7693).

    key: at least 16 bytes, else ValueError."""

    def __init__(self, key: bytes) -> None:
        if why := hash_key_mistake(key):
            raise ValueError(f"the key for hashes {why}")
        self._key = key if len(key) <= _LONGEST else hashlib.blake2b(key).digest()

    def __call__(self, text: str) -> str:
        """The hash, also of a text that is not valid Unicode."""
        return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16, key=self._key).hexdigest()


def hash_key(secret: Secret | None) -> bytes | None:
    """The key that is declared, or None; Unreadable if its file cannot be read."""
    return None if secret is None else without_line_end(Credential(secret).read())
