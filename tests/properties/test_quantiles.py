"""A quantile out of buckets is in the bucket of the true one, and is what Prometheus would say."""

from math import ceil, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.commands.quantile import quantile
from aggregator.http.buckets import BOUNDS

shares = st.floats(0.01, 1)


def buckets_of(took: list[float]) -> list[tuple[float, float]]:
    """Observations, counted the slow way."""
    return [(bound, sum(each <= bound for each in took)) for bound in (*BOUNDS, inf)]


def below(bound: float) -> float:
    """The bound before this one."""
    return max(one for one in (0.0, *BOUNDS) if one < bound)


@pytest.mark.parametrize(("share", "expected"), [(0.2, 0.048), (0.5, 0.15), (0.8, 0.72), (1.0, 1.0)])
def test_it_is_what_prometheus_says(share: float, expected: float) -> None:
    """The positive histogram of Prometheus' own tests of histogram_quantile, and its results."""
    assert quantile(share, [(0.1, 5), (0.2, 7), (1.0, 11), (inf, 12)]) == pytest.approx(expected)


@given(shares, st.floats(0.002, 29))
def test_it_is_exact_for_an_even_distribution(share: float, longest: float) -> None:
    """From 0 to the longest; only in the last bucket is it not known where the observations end."""
    spread = [(bound, 1e6 * min(1.0, bound / longest)) for bound in (*BOUNDS, inf)]
    last = min(bound for bound in BOUNDS if bound >= longest)
    found = quantile(share, spread)
    assert found <= last
    assert share * longest > below(last) or found == pytest.approx(share * longest)


@given(st.floats(0.01, 0.999), st.floats(0.001, 5))
def test_it_is_off_by_one_bucket_at_most_for_an_exponential_distribution(share: float, mean: float) -> None:
    """By the factor between two bounds, where the true one is between the first and the last."""
    spread = [(bound, 1e9 * (1 - 2.718281828459045 ** (-bound / mean))) for bound in (*BOUNDS, inf)]
    true = -mean * log(1 - share)
    if BOUNDS[0] < true < BOUNDS[-1]:
        assert 1 / 1.601 < quantile(share, spread) / true < 1.601


@given(shares, st.lists(st.floats(0.0001, 29), min_size=1, max_size=60))
def test_it_is_in_the_bucket_of_the_true_one(share: float, took: list[float]) -> None:
    """Whatever the observations are."""
    rank = ceil(share * len(took))
    true = sorted(took)[rank - 1]
    upper = min(bound for bound in BOUNDS if true <= bound)
    assert below(upper) <= quantile(share, buckets_of(took)) <= upper


@given(shares, st.lists(st.floats(30.1, 1e4), min_size=1, max_size=9))
def test_what_lies_above_all_bounds_is_the_last_of_them(share: float, took: list[float]) -> None:
    """More cannot be told."""
    assert quantile(share, buckets_of(took)) == 30.0
