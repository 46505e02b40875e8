"""A position is a place in the invalidation log: an epoch, and a stream id within it."""

import struct
from typing import NamedTuple

_PACKED = struct.Struct(">QQQ")


class Position(NamedTuple):
    """Totally ordered; a later epoch is after every position of an earlier one.

    epoch: the number of the log's incarnation (microseconds at its making; 0 = before any).
    ms, seq: the two halves of a Redis stream id.
    """

    epoch: int
    ms: int
    seq: int

    @classmethod
    def of(cls, epoch: int, stream_id: bytes | str) -> "Position":
        """The position of stream id `"<ms>-<seq>"` in `epoch`."""
        text = stream_id.decode() if isinstance(stream_id, bytes) else stream_id
        ms, _, seq = text.partition("-")
        return cls(epoch, int(ms), int(seq or 0))

    @property
    def stream_id(self) -> str:
        """The Redis stream id, without the epoch."""
        return f"{self.ms}-{self.seq}"

    @property
    def before(self) -> "Position":
        """The last possible position before this one."""
        if self.seq:
            return Position(self.epoch, self.ms, self.seq - 1)
        return Position(self.epoch, max(self.ms - 1, 0), 2**64 - 1 if self.ms else 0)

    def pack(self) -> bytes:
        """24 bytes whose order as bytes is the order of positions."""
        return _PACKED.pack(*self)

    @classmethod
    def unpack(cls, packed: bytes) -> "Position":
        """The inverse of `pack`; struct.error if it is not 24 bytes."""
        return cls(*_PACKED.unpack(packed))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.ms}-{self.seq}"


ORIGIN = Position(0, 0, 0)
