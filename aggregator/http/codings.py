"""Content codings: which one a client takes (RFC 9110, section 12.5.3), and a finished body in it."""

import gzip
import re
import sys
from collections.abc import Callable, Mapping
from typing import Literal

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Coding = Literal["zstd", "br", "gzip", "identity"]


def _zstd(body: bytes) -> bytes:
    return zstd.compress(body, 3)


def _br(body: bytes) -> bytes:
    compressed: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=5)
    return compressed


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)


# Where each figure comes from: docs/decisions/0017-content-codings.md.
_ENCODERS: Mapping[Coding, Callable[[bytes], bytes]] = {"zstd": _zstd, "br": _br, "gzip": _gzip}
_QUICK_UP_TO: Mapping[Coding, int] = {"zstd": 131_072, "br": 16_384, "gzip": 16_384}
_BY_PREFERENCE: tuple[Coding, ...] = (*_ENCODERS, "identity")
_WORTH_FROM = 1_024
_AT_MOST_OF_BODY = 0.9
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_ALIASES = {"x-gzip": "gzip"}


def preferred(accept_encoding: bytes) -> Coding:
    """The coding that a client likes best, of those we can make; of equal ones the first of our own order.

    accept_encoding: the field's value, its lines joined with commas; b"" where there is none. A weight that is none
    counts as 0. A client that takes nothing that we can make gets identity, forbidden or not: RFC 9110 leaves that
    open, and an answer that it may be able to read is worth more than a 406.
    """
    weights = dict(_weighted(member) for member in accept_encoding.decode("latin-1").lower().split(","))
    unnamed = weights.get("*", 0.0)
    # The first of the greatest. Identity is last, and acceptable even where it is not named.
    best = max(_BY_PREFERENCE, key=lambda coding: weights.get(coding, unnamed))
    return best if weights.get(best, unnamed) else "identity"


def _weighted(member: str) -> tuple[str, float]:
    name, given, weight = (part.strip() for part in member.partition(";"))
    read = _WEIGHT.fullmatch(weight if given else "q=1")
    return _ALIASES.get(name, name), float(read[1]) if read else 0.0


def worth(body: bytes) -> bool:
    """Is the body long enough to be encoded? Shorter ones leave in one segment either way."""
    return len(body) >= _WORTH_FROM


def quick(coding: Coding, body: bytes) -> bool:
    """May it be encoded on the event loop's thread? What takes longer than about 0.3 ms belongs on another one."""
    return len(body) <= _QUICK_UP_TO.get(coding, len(body))


def encode(coding: Coding, body: bytes) -> bytes | None:
    """The body in the coding, the same bytes in every process; None where that saves less than a tenth of it."""
    if coding == "identity":
        return body
    encoded = _ENCODERS[coding](body)
    return encoded if len(encoded) <= _AT_MOST_OF_BODY * len(body) else None
