"""A key names an entry: a short name in Redis, and the full identity that it stands for."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

# Of the envelope that L2 keeps an entry in (`tiers/codec`). Names hold it, so that while a fleet goes over from one
# version to the next neither takes the other's entries for damaged ones and replaces them.
VERSION = 2
# Python reads no number of thousands of digits.
_MAX_DIGITS = 9


class Key(NamedTuple):
    """name: the key in Redis; its hash tag is shared with the entry's lease, so that a Cluster keeps both in
    one slot. identity: everything that decides the payload, injectively; equal identities are one entry."""

    name: str
    identity: bytes

    @property
    def lease(self) -> str:
        """The Redis key of this entry's lease."""
        return f"{self.name}:lease"


def canonical(parts: Iterable[str]) -> bytes:
    """The parts, each with its length before it, so that no two lists give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(b"%d:%b" % (len(part), part) for part in encoded)


def parts_of(encoded: bytes) -> list[str] | None:
    """The parts that `canonical` gives these bytes for; None if it does for none."""
    parts = []
    while encoded:
        size, colon, rest = encoded.partition(b":")
        if not colon or not size.isdigit() or len(size) > _MAX_DIGITS or len(rest) < int(size):
            return None
        parts.append(rest[: int(size)])
        encoded = rest[int(size) :]
    try:
        return [part.decode() for part in parts]
    except UnicodeDecodeError:
        return None


def make_key(namespace: str, kind: str, name: str, identity: bytes) -> Key:
    """The key of an entry; kind is "fragment" or "view", name the declared one."""
    digest = blake2b(identity, digest_size=16).hexdigest()
    return Key(f"{namespace}:{kind}:{name}:{VERSION}:{{{digest}}}", identity)
