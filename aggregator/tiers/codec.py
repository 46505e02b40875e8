"""The envelope in which L2 keeps an entry: versioned msgpack that carries its own key and a checksum.

An array of 13: version, position (bin, 24 bytes), at (float64), identity, payload, tags,
[fresh_for, stale_while_revalidate, stale_if_error, overtaken_if_error], cost, absent, etag, last_modified,
[[name, state, at, fresh_until, missing, absent], …] (of a view's slots), CRC-32 of all before it (bin, 4 bytes).
The first three and their headers have a fixed width: they are the entry's stamp, which a script in Redis can compare,
and by which "only if changed" can be asked.
"""

import struct
from zlib import crc32

import msgspec

from aggregator.model.entry import Entry, SlotState
from aggregator.model.keys import VERSION
from aggregator.model.position import packed, unpacked
from cache_policies.policy import Lifetime, Timing

STAMP_BYTES = 37
_HEAD = bytes([0x9D, VERSION, 0xC4, 24])  # fixarray of 13; fixint; bin8 of 24
_STAMP = struct.Struct(">4s24sBd")
_FLOAT64 = 0xCB
_CHECK_HEAD = b"\xc4\x04"  # bin8 of 4


class _Envelope(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    position: bytes
    at: float
    identity: bytes
    payload: bytes
    tags: tuple[str, ...]
    lifetime: tuple[float, float, float, float]
    cost: float
    absent: bool
    etag: str | None
    last_modified: str | None
    slots: tuple[SlotState, ...]
    check: bytes


_read = msgspec.msgpack.Decoder(_Envelope).decode
_write = msgspec.msgpack.Encoder().encode


def stamp(entry: Entry) -> bytes:
    """The first STAMP_BYTES of the entry's envelope."""
    return _STAMP.pack(_HEAD, packed(entry.position), _FLOAT64, entry.timing.at)


def encode(entry: Entry) -> bytes:
    """The entry in its envelope."""
    rest = _write(
        (
            entry.identity,
            entry.payload,
            entry.tags,
            [float(seconds) for seconds in entry.timing.lifetime],
            float(entry.timing.cost),
            entry.absent,
            entry.etag,
            entry.last_modified,
            entry.slots,
        )
    )
    # The first byte of `rest` is its own array header; its fields go on in the array that the stamp opened.
    body = b"".join((stamp(entry), memoryview(rest)[1:], _CHECK_HEAD))
    return body + crc32(body).to_bytes(4)


def decode(identity: bytes, blob: bytes) -> Entry | None:
    """The entry of `identity`, or None where anything about the envelope is off; never raises."""
    envelope = _opened(blob)
    return None if envelope is None or envelope.identity != identity else _entry(envelope)


def tags_in(blob: bytes) -> tuple[str, ...]:
    """The tags of whatever entry the envelope holds; none where anything about it is off."""
    envelope = _opened(blob)
    return envelope.tags if envelope else ()


def _opened(blob: bytes) -> _Envelope | None:
    if blob[:4] != _HEAD or crc32(memoryview(blob)[:-4]) != int.from_bytes(blob[-4:]):
        return None
    try:
        return _read(blob)
    except (msgspec.DecodeError, ValueError):  # ValueError: a text that is no UTF-8
        return None


def _entry(envelope: _Envelope) -> Entry:
    return Entry(
        envelope.identity,
        envelope.payload,
        envelope.tags,
        Timing(envelope.at, Lifetime(*envelope.lifetime), envelope.cost),
        unpacked(envelope.position),
        envelope.absent,
        envelope.etag,
        envelope.last_modified,
        envelope.slots,
    )
