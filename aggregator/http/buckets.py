"""Buckets are the bounds that durations are counted between, so that shares of them can be told afterwards."""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate

# Seconds: five steps a decade (ISO 3, R5), so that a quantile read from them is wrong by a factor of 1.6 at most.
BOUNDS = (
    *(0.001, 0.0016, 0.0025, 0.004, 0.0063),
    *(0.01, 0.016, 0.025, 0.04, 0.063),
    *(0.1, 0.16, 0.25, 0.4, 0.63),
    *(1.0, 1.6, 2.5, 4.0, 6.3),
    *(10.0, 16.0, 25.0, 30.0),
)
# As OpenMetrics writes numbers: "0.001", "1.0".
_TEXTS = (*map(repr, BOUNDS), "+Inf")


def bucket(seconds: float) -> str:
    """The label `le` of the first bucket that counts the duration: the least bound that is not below it."""
    return _TEXTS[bisect_left(BOUNDS, seconds)]


def cumulative(counts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Every `le` with how many durations are not above it. counts: how many each bucket was the first for."""
    return list(zip(_TEXTS, accumulate(counts.get(text, 0) for text in _TEXTS), strict=True))
