"""How long a screen may take along its waves: at worst by its MBUs' deadlines, and as it was measured."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aggregator.commands.measured import Loads, Measured
from aggregator.commands.spoken import about, added, exact
from aggregator.model.catalogue import Mbu
from aggregator.model.screen import Screen, Slot

# Names with seconds, one after another.
Terms = list[tuple[str, float]]


def worst_case(screen: Screen, mbus: Mapping[str, Mbu]) -> str:
    """The sum over the waves of the slot with the latest deadline, and what the screen's own cuts off of it."""
    slowest = [max((_deadlines(slot, mbus) for slot in wave), key=_total) for wave in screen.waves]
    terms = [term for slot in slowest for term in slot]
    late = screen.deadline is not None and screen.deadline < _total(terms)
    cut = f", cut at the screen's deadline of {exact(screen.deadline)}" if late and screen.deadline else ""
    return f"{added(terms, exact)}{cut}"


def _deadlines(slot: Slot, mbus: Mapping[str, Mbu]) -> Terms:
    """What may have to be waited for in turn: the slot's MBU, then that of the fragment that stands in."""
    terms = [(slot.name, mbus[slot.fragment.mbu].deadline)]
    if other := slot.fallback_fragment:
        terms.append((f"its fallback {other.name}", mbus[other.mbu].deadline))
    return terms


def _total(terms: Iterable[tuple[str, float]]) -> float:
    return sum(seconds for _, seconds in terms)


def measured_case(screen: Screen, measured: Measured, share: float) -> str:
    """The sum over the waves of the slot whose loads took longest, by what this share of them did not exceed."""
    waves = [list(_loads(wave, measured)) for wave in screen.waves]
    terms = [
        max(((name, loads.took(share)) for name, loads in wave), key=lambda term: term[1]) for wave in waves if wave
    ]
    lost = [slot.name for wave, loaded in zip(screen.waves, waves, strict=True) if not loaded for slot in wave]
    without = f"without {', '.join(lost)}, never loaded" if lost else ""
    return ", ".join(part for part in (added(terms, about), without) if part)


def _loads(wave: Sequence[Slot], measured: Measured) -> Iterator[tuple[str, Loads]]:
    for slot in wave:
        if loads := loads_of(slot, measured):
            yield slot.name, loads


def loads_of(slot: Slot, measured: Measured) -> Loads | None:
    """The loads of the slot's fragment; None where it was never loaded."""
    return measured.get((slot.fragment.mbu, slot.fragment.name))
