"""`python -m tests.chaos [SEED…]`: runs of SOAK_SECONDS with these seeds, else with SOAK_SEED or one at random."""

import os
import random
import sys

from tests.chaos.run import run


def main() -> None:
    """Report each run; leave with 1 if anything was wrong."""
    seeds = [int(word) for word in sys.argv[1:]] or [int(os.environ.get("SOAK_SEED", random.randrange(2**16)))]
    wrong = []
    for seed in seeds:
        report = run(seed, float(os.environ.get("SOAK_SECONDS", 1_800)))
        print(*report.lines, *report.wrong, sep="\n", flush=True)
        wrong += report.wrong
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
