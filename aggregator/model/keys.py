"""A key names an entry: a short name in Redis, and the full identity that it stands for."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple


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


def make_key(namespace: str, kind: str, name: str, identity: bytes) -> Key:
    """The key of an entry; kind is "fragment" or "view", name the declared one."""
    digest = blake2b(identity, digest_size=16).hexdigest()
    return Key(f"{namespace}:{kind}:{name}:{{{digest}}}", identity)
