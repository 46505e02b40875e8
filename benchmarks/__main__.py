"""`python -m benchmarks [PART…]`: measure parts in turn, print tables, write results; or `readme`, `plots`."""

import sys
import time
from collections.abc import Callable

from benchmarks import (
    graph,
    instructions,
    many,
    paths_run,
    plots,
    readme,
    ready,
    side_by_side,
    starts,
    tables,
    workload,
)
from benchmarks.figures import Figure, Results, write

PARTS: dict[str, Callable[[], tuple[list[Figure], list[str]]]] = {
    "peers": side_by_side.measure,
    "many": many.measure,
    "instructions": instructions.measure,
    "paths": paths_run.measure,
    "graph": graph.measure,
    "workload": workload.measure,
    "ready": ready.measure,
    "starts": starts.measure,
}
# Not among those that run where none is named: one takes nearly as long as all of them, the other both cores.
APART = {"ready", "starts"}


def main() -> None:
    """Measure; what is not known by name ends the program."""
    chosen = sys.argv[1:] or [part for part in PARTS if part not in APART]
    if chosen == ["readme"]:
        return print(*(f"{page} has the figures of benchmarks/results" for page in readme.rewrite()), sep="\n")
    if chosen != ["plots"]:
        if unknown := set(chosen) - set(PARTS):
            sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}, and readme and plots")
        for part in chosen:
            _measure(part)
    _draw()


def _measure(part: str) -> None:
    began = time.monotonic()
    figures, notes = PARTS[part]()
    notes.append(f"{part} took {time.monotonic() - began:.0f} s")
    for name, those in Results({}, notes, figures).tables().items():
        print(f"\n{name}\n{tables.text(tables.rows(those))}")
    print("\n".join(notes), flush=True)
    # Where a part could not be measured, what was measured elsewhere stays.
    if figures:
        print(f"written to {write(part, figures, notes).name}; benchmarks/README.md says what these figures are not")


def _draw() -> None:
    if command := plots.why_missing():
        return print(f"no plots, for want of matplotlib: {command}")
    print(*(f"drawn: {file.name}" for file in plots.draw()), sep="\n")


if __name__ == "__main__":
    main()
