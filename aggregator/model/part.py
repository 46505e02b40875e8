"""A part is what fills a slot: one answer of an MBU or a list of them, or what stands in where it could not be had."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from aggregator.model.entry import Entry, SlotState
from aggregator.model.screen import Slot
from cache_policies.policy import fresh_until
from loaders.loader import Failed


class State(StrEnum):
    """What is true of a part: as declared (the first two), older than it should be, or not what was declared.

    The worst is the last."""

    FRESH = "fresh"
    ABSENT = "absent"  # there is nothing, which is an answer
    STALE = "stale"  # older than its lifetime
    UNPROVEN = "unproven"  # it cannot be proved that it was not invalidated
    OVERTAKEN = "overtaken"  # invalidated, and used because loading failed
    FALLBACK = "fallback"  # something else stands in
    PARTIAL = "partial"  # a list of which some places failed
    FAILED = "failed"


BROKEN = frozenset((State.FALLBACK, State.PARTIAL, State.FAILED))
_RANK = {state: rank for rank, state in enumerate(State)}


class Piece(msgspec.Struct, frozen=True):
    """One answer, or the failure in its place. entry: None where it failed, or where there was nothing to ask for.

    state: FRESH, STALE, UNPROVEN or OVERTAKEN of an entry. loaded: an MBU was asked for it now. kept: it may be stored.
    """

    entry: Entry | None
    failure: Failed | None = None
    state: State = State.FRESH
    loaded: bool = False
    kept: bool = True

    @property
    def failed(self) -> bool:
        """Is there nothing in its place, because it could not be had?"""
        return self.entry is None and self.failure is not None

    @property
    def absent(self) -> bool:
        """Is there nothing in its place because there is none?"""
        return self.entry.absent if self.entry else self.failure is None


NOTHING = Piece(None)


class Part(msgspec.Struct, frozen=True):
    """pieces: one; of a list any number, in its order. failure: why the slot as a whole could not be had.
    stands_in: is what it holds the slot's fallback? asked: was an MBU asked for what it stands in for? shown: its
    payload, where that had to be shaped."""

    slot: Slot
    pieces: tuple[Piece, ...] = ()
    is_list: bool = False
    failure: Failed | None = None
    stands_in: bool = False
    asked: bool = False
    shown: bytes | None = None

    @property
    def failed(self) -> Failed | None:
        """Why nothing of it could be had, and nothing stands in: for a list that has any, why none of its pieces."""
        if self.stands_in or (self.pieces and not all(piece.failed for piece in self.pieces)):
            return None
        return self.failure or next((piece.failure for piece in self.pieces), None)

    @property
    def loaded(self) -> bool:
        """Was an MBU asked for it now?"""
        return self.asked or any(piece.loaded for piece in self.pieces)

    @property
    def absent(self) -> bool:
        """Is there nothing, which is an answer?"""
        return not self.is_list and not self.stands_in and any(piece.absent for piece in self.pieces)

    @property
    def entries(self) -> Iterator[Entry]:
        """The entries that it is made of."""
        return (piece.entry for piece in self.pieces if piece.entry)

    @property
    def failures(self) -> Iterator[tuple[tuple[str, ...], Failed]]:
        """What could not be had, each with where it would be in `data`."""
        if self.failure:
            yield self.slot.at, self.failure
            return
        for index, piece in enumerate(self.pieces):
            if piece.failed and piece.failure:
                yield (*self.slot.at, str(index)) if self.is_list else self.slot.at, piece.failure

    @property
    def all_failures(self) -> Iterator[Failed]:
        """What failed, also where something stands in."""
        failures = (self.failure, *(piece.failure for piece in self.pieces))
        return (failure for failure in failures if failure)

    @property
    def whole(self) -> bool:
        """Is it what was declared, though perhaps not fresh?"""
        return self.state not in BROKEN

    @property
    def payload(self) -> bytes:
        """What it shows: JSON text."""
        if self.shown is not None:
            return self.shown
        if self.failure and not self.pieces:
            return (self.slot.fallback or b"null") if self.stands_in else b"null"
        return self._joined([piece.entry.payload if piece.entry else b"null" for piece in self.pieces])

    def shaped(self) -> "Part":
        """The same in the slot's shape; ShapeMistake if it cannot be brought into that."""
        shape = self.slot.shape
        if shape.empty or not self.pieces:
            return self
        shown = [shape.apply(piece.entry.payload) if piece.entry else b"null" for piece in self.pieces]
        return replace(self, shown=self._joined(shown))

    def _joined(self, payloads: Sequence[bytes]) -> bytes:
        return b"[" + b",".join(payloads) + b"]" if self.is_list else payloads[0]

    @property
    def decoded(self) -> Any:
        """What other slots read of it: the whole payloads, decoded; None where there is nothing."""
        if not self.pieces and not self.is_list:
            return orjson.loads(self.slot.fallback or b"null")
        read = [orjson.loads(piece.entry.payload) if piece.entry else None for piece in self.pieces]
        return read if self.is_list else read[0]

    @property
    def state(self) -> State:
        """What is true of it, the worst if several things are."""
        if self.failed:
            return State.FAILED
        if self.stands_in:
            return State.FALLBACK
        states = [State.PARTIAL if piece.failed else piece.state for piece in self.pieces]
        worst = max(states, key=_RANK.__getitem__, default=State.FRESH)
        return State.ABSENT if self.absent and worst is State.FRESH else worst

    @property
    def told(self) -> SlotState:
        """What there is to tell of it."""
        # The usual one, each time that a view is composed: nothing to add up.
        if len(self.pieces) == 1 and not self.is_list and not self.stands_in and (entry := self.pieces[0].entry):
            state = self.pieces[0].state
            state = State.ABSENT if entry.absent and state is State.FRESH else state
            return SlotState(self.slot.name, state, float(entry.timing.at), float(fresh_until(entry.timing)))
        timings = [entry.timing for entry in self.entries]
        at = min((timing.at for timing in timings), default=0.0)
        end = min(map(fresh_until, timings), default=0.0)
        missing = sum(piece.failed for piece in self.pieces) if self.is_list else 0
        absent = sum(piece.absent for piece in self.pieces) if self.is_list else 0
        return SlotState(self.slot.name, self.state, float(at), float(end), missing, absent)
