"""How much of a long proof is run: a slice of it in every test run, all of it in `make prove`."""

import os

FULL = os.environ.get("AGGREGATOR_PROVE") == "1"


def scale(slice_: int, full: int) -> int:
    """`full` in `make prove`, else `slice_`."""
    return full if FULL else slice_
