"""A quantile of a histogram, as far as its buckets tell it."""

from collections.abc import Sequence
from itertools import pairwise

# The upper bound of each bucket (seconds), and how many observations are not above it; the last bound is infinite.
Buckets = Sequence[tuple[float, float]]


def quantile(share: float, buckets: Buckets) -> float:
    """The value that `share` of the observations (above 0, at most 1; there are some) do not exceed, linear inside its
    bucket: what Prometheus' histogram_quantile gives, the last finite bound for whatever lies above that."""
    rank = share * buckets[-1][1]
    for (lower, before), (upper, upto) in pairwise([(0.0, 0.0), *buckets[:-1]]):
        if upto >= rank:
            return lower + (upper - lower) * (rank - before) / (upto - before)
    return buckets[-2][0]
