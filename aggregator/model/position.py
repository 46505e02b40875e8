"""A position is a place in the invalidation log: an epoch, and a stream id within it."""

import re
from collections.abc import Iterable
from typing import NewType

import orjson

# One whole number of 192 bits: comparing two, which every hit does, is one step; and the garbage collector never looks
# at the many that the ledger and L1 hold, as it would at objects of a class.
Position = NewType("Position", int)

MIN_POSITION = "aggregator-min-position"
BITS = 192
_HALF, _BYTES = BITS // 3, BITS // 8
_MASK = (1 << _HALF) - 1
_TEXT = re.compile(r"([0-9]{1,20})-([0-9]{1,20})-([0-9]{1,20})")


def position_of(epoch: int, ms: int, seq: int) -> Position:
    """Totally ordered; a later epoch is after every position of an earlier one. OverflowError beyond 64 bits each.

    epoch: the number of the log's incarnation (microseconds at its making; 0 = before any).
    ms, seq: the two halves of a Redis stream id.
    """
    if not 0 <= epoch | ms | seq <= _MASK:
        raise OverflowError(f"a position is made of three numbers of 64 bits, not of {epoch}, {ms} and {seq}")
    return Position(epoch << 2 * _HALF | ms << _HALF | seq)


def position_at(epoch: int, stream_id: bytes | str) -> Position:
    """The position of stream id `"<ms>-<seq>"` in `epoch`."""
    text = stream_id.decode() if isinstance(stream_id, bytes) else stream_id
    ms, _, seq = text.partition("-")
    return position_of(epoch, int(ms), int(seq or 0))


def places_of(stream_ids: Iterable[bytes]) -> list[Position]:
    """The positions of `b"<ms>-<seq>"`, each, in no epoch: numbers are read all at once, as a process that starts reads
    a million."""
    numbers = orjson.loads(b"[%b]" % b",".join(stream_ids).replace(b"-", b","))
    return [Position(ms << _HALF | seq) for ms, seq in zip(numbers[::2], numbers[1::2], strict=True)]


def epoch_in(place: Position) -> int:
    """The incarnation of the log."""
    return place >> 2 * _HALF


def ms_of(place: Position) -> int:
    """Milliseconds on the log's clock."""
    return place >> _HALF & _MASK


def seconds_of(place: Position) -> float:
    """Seconds on the log's clock, for an epoch's own start those of its making."""
    return max(ms_of(place) / 1000, epoch_in(place) / 1e6)


def stream_id_of(place: Position) -> str:
    """The Redis stream id, without the epoch."""
    return f"{ms_of(place)}-{place & _MASK}"


def just_before(place: Position) -> Position:
    """The last possible position before this one in its epoch; the epoch's own start has none before it."""
    return Position(place - 1) if place & (_MASK << _HALF | _MASK) else place


def packed(place: Position) -> bytes:
    """24 bytes whose order as bytes is the order of positions."""
    return place.to_bytes(_BYTES, "big")


def unpacked(blob: bytes) -> Position:
    """The inverse of `packed`; ValueError if it is not 24 bytes."""
    if len(blob) != _BYTES:
        raise ValueError(f"a position has {_BYTES} bytes, not {len(blob)}")
    return Position(int.from_bytes(blob, "big"))


def text_of(place: Position) -> str:
    """`"<epoch>-<ms>-<seq>"`, for people."""
    return f"{epoch_in(place)}-{stream_id_of(place)}"


def position_from(text: str) -> Position:
    """The inverse of `text_of`; ValueError for what it does not give."""
    match = _TEXT.fullmatch(text)
    if match is None or max(halves := [int(digits) for digits in match.groups()]) > _MASK:
        raise ValueError('expected a position as an invalidation is acknowledged with, "<epoch>-<ms>-<seq>"')
    return position_of(*halves)


ORIGIN = position_of(0, 0, 0)
