"""`python -m benchmarks [paths] [peers] [graph] [workload]`: run the parts in turn, print one table, write JSON."""

import sys
import time

from benchmarks import graph, many, paths_run, side_by_side, workload
from benchmarks.figures import Figure, show, write

PARTS = {"paths": paths_run.measure, "peers": side_by_side.measure, "many": many.measure, "graph": graph.measure, "workload": workload.measure}


def main() -> None:
    """Measure; what is not known by name ends the program."""
    chosen = sys.argv[1:] or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    figures: list[Figure] = []
    notes: list[str] = []
    for part in chosen:
        began = time.monotonic()
        more, said = PARTS[part]()
        figures += more
        notes += [*said, f"{part} took {time.monotonic() - began:.0f} s"]
    print(show(figures))
    print("\n".join(notes))
    # A run of some parts is for looking at; the file holds whole runs, made in one go.
    if set(chosen) == set(PARTS):
        print(f"written to {write(figures, notes).name}; benchmarks/README.md says what these figures are not")


if __name__ == "__main__":
    main()
