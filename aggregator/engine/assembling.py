"""Assembling makes a slot's part of the pieces that were found or loaded for what it needs."""

from aggregator.model.part import NOTHING, Part, Piece
from aggregator.model.plan import Need, Needs, Want
from aggregator.model.screen import Slot
from aggregator.model.shape import ShapeMistake
from loaders.loader import Failed, Reason

# By key; None where it is still to be loaded.
Found = dict[str, Piece | None]


def wants(needs: Needs) -> list[Want]:
    """What is to be found or loaded for a slot."""
    return [need for need in (needs if isinstance(needs, list) else [needs]) if isinstance(need, Want)]


def part_of(slot: Slot, needs: Needs, found: Found) -> Part:
    """The slot's part, in its shape; failed where that cannot be had."""
    if isinstance(needs, Failed):
        return Part(slot, failure=needs)
    return shaped(Part(slot, pieces_of(needs, found), isinstance(needs, list)))


def pieces_of(needs: Needs, found: Found) -> tuple[Piece, ...]:
    """One for each need, in order."""
    return tuple(_piece(need, found) for need in (needs if isinstance(needs, list) else [needs]))


def _piece(need: Need, found: Found) -> Piece:
    if isinstance(need, Failed):
        return Piece(None, need)
    return (found[need.key.name] if need else None) or NOTHING


def shaped(part: Part) -> Part:
    """The part in its slot's shape, or failed where its payload cannot be brought into that."""
    try:
        return part.shaped()
    except ShapeMistake as mistake:
        return Part(part.slot, failure=Failed(Reason.PAYLOAD, str(mistake)), asked=part.loaded)
