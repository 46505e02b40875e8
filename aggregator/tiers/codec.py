"""The envelope in which L2 keeps an entry: versioned msgpack that carries its own key and a checksum.

An array of 13: version, position (bin, 24 bytes), at (float64), identity, payload, tags,
[fresh_for, stale_while_revalidate, stale_if_error, overtaken_if_error], cost, absent, etag, last_modified,
[[name, state, at, fresh_until, missing, absent], …] (of a view's slots), CRC-32 of all before it (bin, 4 bytes).
The first three and their headers have a fixed width: they are the entry's stamp, which a script in Redis can compare,
and by which "only if changed" can be asked.
"""

import struct
from zlib import crc32

import msgpack

from aggregator.model.entry import Entry, SlotState
from aggregator.model.position import packed, unpacked
from cache_policies.policy import Lifetime, Timing

VERSION = 2
STAMP_BYTES = 37
_HEAD = bytes([0x9D, VERSION, 0xC4, 24])  # fixarray of 13; fixint; bin8 of 24
_STAMP = struct.Struct(">4s24sBd")
_FLOAT64 = 0xCB
_CHECK_HEAD = b"\xc4\x04"  # bin8 of 4


def stamp(entry: Entry) -> bytes:
    """The first STAMP_BYTES of the entry's envelope."""
    return _STAMP.pack(_HEAD, packed(entry.position), _FLOAT64, entry.timing.at)


def encode(entry: Entry) -> bytes:
    """The entry in its envelope."""
    rest = msgpack.packb(
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
    return _entry(identity, _fields(blob))


def tags_in(blob: bytes) -> tuple[str, ...]:
    """The tags of whatever entry the envelope holds; none where anything about it is off."""
    match _fields(blob):
        case (_, _, _, bytes(identity), *_) as fields if entry := _entry(identity, fields):
            return entry.tags
    return ()


def _fields(blob: bytes) -> object:
    if not _intact(blob):
        return None
    try:
        return msgpack.unpackb(blob, use_list=False)
    except (ValueError, msgpack.UnpackException):
        return None


def _intact(blob: bytes) -> bool:
    return blob[:4] == _HEAD and crc32(memoryview(blob)[:-4]) == int.from_bytes(blob[-4:])


def _entry(identity: bytes, fields: object) -> Entry | None:
    match fields:
        case (
            int(),
            bytes(position),
            float(at),
            bytes(held),
            bytes(payload),
            tuple(tags),
            (float(), float(), float(), float()) as lifetime,
            float(cost),
            bool(absent),
            (str() | None) as etag,
            (str() | None) as last_modified,
            tuple(slots),
            bytes(),
        ) if held == identity and all(isinstance(tag, str) for tag in tags) and all(map(_is_slot, slots)):
            timing = Timing(at, Lifetime(*lifetime), cost)
            states = tuple(SlotState(*slot) for slot in slots)
            return Entry(identity, payload, tags, timing, unpacked(position), absent, etag, last_modified, states)
    return None


def _is_slot(fields: object) -> bool:
    match fields:
        case (str(), str(), float(), float(), int(), int()):
            return True
    return False
