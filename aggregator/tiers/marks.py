"""What stands under a lease's key in Redis: the mark of who is loading, or of what the last holder met."""

import secrets
from collections.abc import Callable
from itertools import count

import msgpack

from aggregator.model.position import packed
from aggregator.tiers.tier import Lease
from loaders.loader import Failed, Reason

TOKEN_BYTES = 16
_LEASE = b"L"  # then the token, then the 24 bytes of the position
_FAILURE = b"F"  # then msgpack: reason, detail, retry_after
UNSHARED = b"U"


def tokens() -> Callable[[], bytes]:
    """A source of tokens, each unlike any other of the fleet's: by chance as a whole, and by counting within it, which
    asks the system for nothing."""
    whose, number = secrets.token_bytes(TOKEN_BYTES - 6), count()
    return lambda: whose + next(number).to_bytes(6)


def lease_mark(lease: Lease) -> bytes:
    """The mark of a lease; equal only for the same lease."""
    return _LEASE + lease.token + packed(lease.position)


def failure_mark(failure: Failed) -> bytes:
    """The mark of a failure."""
    met: bytes = msgpack.packb([failure.reason.value, failure.detail, failure.retry_after])
    return _FAILURE + met


def failure_of(mark: bytes | None) -> Failed | None:
    """The failure that a mark tells of; None for a lease's mark and for anything that cannot be understood."""
    if mark is None or not mark.startswith(_FAILURE):
        return None
    try:
        match msgpack.unpackb(mark[1:]):
            case [str(reason), str(detail), (float() | int() | None) as retry_after]:
                return Failed(Reason(reason), detail, retry_after)
    except (ValueError, msgpack.UnpackException):
        return None
    return None
