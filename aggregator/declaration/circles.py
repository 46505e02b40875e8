"""The checks of a screen's graph: no slot needs itself, every one can be reached, and none lies too deep."""

from collections.abc import Iterator

from aggregator.declaration.slots import mistake_at
from aggregator.declaration.written import Use, Written
from aggregator.mistakes import Mistake
from aggregator.model.graph import Needs, cycle_in, longest_chain, unreachable

MAX_DEPTH = 8


def check_graphs(written: Written) -> Iterator[Mistake]:
    """All mistakes in the graphs of screens."""
    for screen in written.right.screens:
        uses = {use.name: use for use in written.uses() if use.screen == screen}
        needs = {name: {source.slot for source in use.sources().values() if source.slot} for name, use in uses.items()}
        yield from _of_screen(written, uses, needs)


def _of_screen(written: Written, uses: dict[str, Use], needs: Needs) -> Iterator[Mistake]:
    there = {name: {need for need in needed if need in needs} for name, needed in needs.items()}
    circle = cycle_in(there)
    if circle:
        way = " → ".join(circle)
        yield mistake_at(written, uses[circle[0]], "", f"needs itself: {way}; expected: no circle")
    for name in unreachable(needs):
        # Of a slot that is not there, and of the circle itself, it is said already.
        if name not in (circle or ()) and all(need in needs for need in needs[name]):
            behind = ", ".join(sorted(need for need in needs[name] if need in unreachable(needs)))
            yield mistake_at(written, uses[name], "", f"is never reached: it needs {behind}, which cannot be had")
    if not circle and len(chain := longest_chain(there)) > MAX_DEPTH:
        message = f"lies {len(chain)} waves deep: {' → '.join(chain)}; expected: {MAX_DEPTH} at most"
        yield mistake_at(written, uses[chain[-1]], "", message)
