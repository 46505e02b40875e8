"""`python -m tests.chaos [SEED…]`: runs of SOAK_SECONDS with these seeds, else with SOAK_SEED or one at random."""

import os
import random
import sys

from tests.chaos.run import run


def main() -> None:
    """Report each run; leave with 1 if anything was wrong, or too little could be judged."""
    seeds = [int(word) for word in sys.argv[1:]] or [int(os.environ.get("SOAK_SEED", random.randrange(2**16)))]
    said = []
    for seed in seeds:
        report = run(seed, float(os.environ.get("SOAK_SECONDS", 1_800)))
        words = [words for words in (*report.wrong, report.refused) if words]
        print(*report.lines, *words, sep="\n", flush=True)
        said += words
    sys.exit(bool(said))


if __name__ == "__main__":
    main()
