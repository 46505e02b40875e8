"""What loads took is counted in buckets, summed over workers, and told in both formats that Prometheus reads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from aggregator.events import Called
from aggregator.http.buckets import BOUNDS, bucket
from aggregator.http.exposition import Exposition
from aggregator.http.meters import Meters

NAME = "aggregator_mbu_load_seconds"
PARSERS: dict[str, Callable[[str], Iterable[Metric]]] = {
    "text/plain": read_plain,
    "application/openmetrics-text": read_openmetrics,
}
seconds = st.floats(0, 100) | st.sampled_from(BOUNDS)


def samples(
    workers: Sequence[Sequence[Called]], form: str = "text/plain"
) -> Iterator[tuple[str, dict[str, str], float]]:
    """The histogram's samples after so many workers saw so many loads, encoded and read again by a strict reader."""
    snapshots = []
    for called in workers:
        meters = Meters()
        for event in called:
            meters(event)
        snapshots.append({"counters": meters.snapshot(), "gauges": {}})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(lambda: snapshots))
    encode, content_type = choose_encoder(f"{form}; version=1.0.0" if "open" in form else form)
    assert content_type.startswith(form)
    [family] = [one for one in PARSERS[form](encode(registry).decode()) if one.name == NAME]
    assert family.type == "histogram"
    yield from ((sample.name.removeprefix(NAME), dict(sample.labels), sample.value) for sample in family.samples)


def loads(*took: float, fragment: str = "part", outcome: str = "loaded") -> list[Called]:
    """Loads of one MBU that took so many seconds."""
    return [Called("m", fragment, outcome, each) for each in took]


def test_the_bounds_are_close_together() -> None:
    """From 1 ms to 30 s, each at most 1.6 times the one before: that is how far off a quantile can be."""
    assert (BOUNDS[0], BOUNDS[-1], len(BOUNDS)) == (0.001, 30.0, 24)
    assert all(1 < higher / lower < 1.6 + 1e-9 for lower, higher in pairwise(BOUNDS))


@given(seconds)
@example(30.0)
@example(30.1)
def test_a_duration_is_counted_below_the_least_bound_that_holds_it(took: float) -> None:
    """A bound is in its own bucket."""
    assert float(bucket(took)) == min(bound for bound in (*BOUNDS, inf) if took <= bound)


@pytest.mark.parametrize("form", PARSERS)
@given(workers=st.lists(st.lists(seconds, max_size=8), min_size=1, max_size=3))
def test_both_formats_tell_all_workers_together(form: str, workers: list[list[float]]) -> None:
    """Each `le` has how many loads of any worker took no longer; +Inf and _count have all, _sum their seconds."""
    took = [each for one in workers for each in one]
    found = list(samples([loads(*one) for one in workers], form))
    assert all(labels.pop("mbu") == "m" and labels.pop("fragment") == "part" for _, labels, _ in found)
    counts = {float(labels["le"]): value for name, labels, value in found if name == "_bucket"}
    bounds = (*BOUNDS, inf) if took else ()
    assert counts == {bound: sum(each <= bound for each in took) for bound in bounds}
    rest = {name: value for name, labels, value in found if not labels}
    assert rest == ({"_count": len(took), "_sum": pytest.approx(sum(took))} if took else {})


def test_fragments_are_told_apart() -> None:
    """Each has its own buckets."""
    found = samples([loads(0.1) + loads(0.2, 0.3, fragment="other")])
    assert {labels["fragment"]: value for name, labels, value in found if name == "_count"} == {"part": 1, "other": 2}


@pytest.mark.parametrize(("outcome", "counted"), [("shed", 0), ("breaker", 0), ("deadline", 1), ("absent", 1)])
def test_a_load_that_was_not_sent_took_nothing(outcome: str, counted: int) -> None:
    """An open breaker would otherwise look like a fast MBU; a load that failed took its time."""
    found = samples([loads(0.0, outcome=outcome)])
    assert sum(value for name, _, value in found if name == "_count") == counted
