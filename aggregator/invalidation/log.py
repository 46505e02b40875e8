"""The seam to the invalidation log: append tags, read on from a position, and a heartbeat that shows losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from aggregator.model.position import Position, stream_id_of


class LogUnavailable(Exception):
    """The log did not answer in time, or not at all; nothing may be acknowledged."""


class Record(Struct, frozen=True, gc=False):
    """One entry of the log; `tags` is None where it could not be understood, which readers treat as a gap.
    place: its position, but for the epoch, which the log's entries do not tell."""

    place: Position
    tags: tuple[str, ...] | None

    @property
    def stream_id(self) -> str:
        """The Redis stream id."""
        return stream_id_of(self.place)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records read on from a position, and what the log counted when they were read, so that a reader sees whether
    any are missing before it applies the others.

    newest_id: the last id given by then. added, trimmed: as in `Beat`.
    """

    records: Sequence[Record]
    newest_id: str
    added: int
    trimmed: int


@dataclass(frozen=True, slots=True)
class Beat:
    """The log's state at one moment, read in one step with a write, so that a demoted master cannot answer.

    epoch: number of the log's incarnation; None where the record of it is missing or was made by another server
        history (replication id), so that a new one must be made.
    last_id: the id of the last record that can still be read, "0-0" before any; newest_id: the last one ever given,
        which differs where the newest records were deleted.
    first_id: the id of the first record still there, None if there is none.
    added: records ever appended in this incarnation; trimmed: how many of them are gone.
    time: the server's clock, Unix seconds.
    """

    epoch: int | None
    last_id: str
    newest_id: str
    first_id: str | None
    added: int
    trimmed: int
    time: float


class Log(Protocol):
    """Every method raises LogUnavailable where the log cannot be reached."""

    async def append(self, tags: Sequence[str], *, id: str | None = None, by: str | None = None) -> Position:
        """Add one record; returns its position once it is in the log. ValueError for what is no tag."""

    async def read(self, after: str, count: int, block: float) -> Batch:
        """Up to `count` records after a stream id, waiting up to `block` seconds for the first (0: not at all); may
        have none."""

    async def beat(self) -> Beat:
        """Read the log's state, in one step with a write."""

    async def begin_epoch(self, unlike: int | None, at_least: int) -> None:
        """Make a new epoch >= `at_least`, unless another process has replaced `unlike` already (compare-and-set)."""

    async def trim(self, older_than: float) -> None:
        """Remove records appended before that time (Unix seconds), but the newest of them: it marks where the
        removed ones end."""

    async def close(self) -> None:
        """Give back the connections."""
