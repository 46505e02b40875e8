"""The Aggregator-Slots field: the state of every slot of an answer, as a structured field (RFC 9651)."""

from collections.abc import Iterable
from math import floor

from aggregator.model.entry import SlotState

HEADER = "aggregator-slots"


def slots_field(slots: Iterable[SlotState], now: float) -> str:
    """A list of strings, `"feed";state=fresh;age=3`; ages in whole seconds at `now` (fleet seconds). For a list also
    how many of its places are missing because they failed, and absent because there is nothing.

    Slot names are identifiers and states are tokens, so that nothing has to be escaped.
    """
    return ", ".join([_member(slot, now) for slot in slots])


def _member(slot: SlotState, now: float) -> str:
    age = f";age={max(0, floor(now - slot.at))}" if slot.at else ""
    missing = f";missing={slot.missing}" if slot.missing else ""
    absent = f";absent={slot.absent}" if slot.absent else ""
    return f'"{slot.name}";state={slot.state}{age}{missing}{absent}'
