"""The metrics of all workers together, in the form that Prometheus reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.http.buckets import cumulative


class Family(NamedTuple):
    """A metric's name behind `aggregator_`, its help, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


COUNTERS = (
    Family("screens_served", "Screens answered, by their source and state.", ("screen", "tier", "state")),
    Family(
        "slots_wanting",
        "Slots answered otherwise than declared, by how.",
        ("screen", "slot", "state"),
    ),
    Family(
        "mbu_loads",
        "Loads from MBUs; shed and breaker were not sent.",
        ("mbu", "fragment", "outcome"),
    ),
    Family(
        "loads_joined",
        "Loads not made: one was under way, or had just failed.",
        ("where",),
    ),
    Family("refreshes", "Views that were due to be composed anew with nobody waiting.", ("screen", "outcome")),
    Family(
        "waiters_turned_away",
        "Callers that were not let wait for a load, by the setting that was reached.",
        ("mbu", "fragment", "bound"),
    ),
    Family("misses_refused", "Requests whose client had reached max_misses_per_client."),
    Family("connections_refused", "Connections that were refused, by the setting that was reached.", ("bound",)),
    Family(
        "audits",
        "Views that had been read, held against what their MBUs say, by how long after.",
        ("screen", "after", "result"),
    ),
    Family("views_overtaken", "Views expelled from L1 by invalidations."),
    Family("troubles", "Things an operator may want to know of; the log has the details.", ("what",)),
    Family("invalidations_applied", "Records of the invalidation log applied."),
    Family("log_gaps", "Times that records of the log were lost unread, so that L1 and L2 had to be proved again."),
    Family("log_epochs", "Times that the log began anew."),
    Family("l1_evictions", "Views that left L1 for want of room."),
    Family("l1_too_large", "Views that were not held in L1 as each would take more than a tenth of it."),
    Family("l2_too_large", "Fragments and views that were not stored in L2 as each is over max_l2_entry."),
    Family("l2_failures", "Calls to L2 that were not answered in time, or with an error, as when it is full."),
)
# In seconds; what is counted is the `_bucket` of each, by its label `le`, and the `_sum`.
HISTOGRAMS = (
    Family("mbu_load_seconds", "What loads took that were sent to MBUs, with their wait.", ("mbu", "fragment")),
)
GAUGES = (
    Family("workers_ready", "Workers that may be sent requests."),
    Family("workers_vouching", "Workers that know that they are at the head of the log."),
    Family("log_lag_records", "Records of the log not yet applied, the most of any worker."),
    Family("l1_bytes", "Bytes held in L1."),
    Family("l1_views", "Views held in L1."),
    Family("ledger_tags", "Tags in the ledgers."),
    Family("flights", "Loads under way."),
    Family("refreshes_due", "Views that are due to be composed anew with nobody waiting."),
    Family("audits_waiting", "Views that are to be audited, for the first time or again."),
    Family("waiters", "Callers that wait for loads, counted for each that they wait for."),
    Family("background_tasks", "Refreshes and stores under way."),
)
_GREATEST = {"log_lag_records"}

Snapshot = Mapping[str, Any]


class Exposition(Collector):
    """`snapshots()` gives one a worker: {"counters": [[name, [label, …], value], …], "gauges": {name: value}}."""

    def __init__(self, snapshots: Callable[[], Iterable[Snapshot]]) -> None:
        self._snapshots = snapshots

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are checked by the tests, and registering must not ask the workers."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Counters and histograms are summed over workers, living and gone; gauges over the living."""
        snapshots = list(self._snapshots())
        for family in COUNTERS:
            metric = CounterMetricFamily(f"aggregator_{family.name}", family.help, labels=family.labels)
            for labels, value in summed(snapshots, family.name).items():
                metric.add_metric(labels, value)
            yield metric
        for family in HISTOGRAMS:
            yield _histogram(family, snapshots)
        for family in GAUGES:
            values = [snapshot["gauges"].get(family.name, 0) for snapshot in snapshots if snapshot["gauges"]]
            value = max(values, default=0) if family.name in _GREATEST else sum(values)
            yield GaugeMetricFamily(f"aggregator_{family.name}", family.help, value)


def _histogram(family: Family, snapshots: list[Snapshot]) -> HistogramMetricFamily:
    metric = HistogramMetricFamily(f"aggregator_{family.name}", family.help, labels=family.labels, unit="seconds")
    counts: dict[tuple[str, ...], dict[str, float]] = {}
    for (*labels, bound), count in summed(snapshots, f"{family.name}_bucket").items():
        counts.setdefault(tuple(labels), {})[bound] = count
    for named, seconds in summed(snapshots, f"{family.name}_sum").items():
        metric.add_metric(named, cumulative(counts[named]), seconds)
    return metric


def summed(snapshots: Iterable[Snapshot], name: str) -> dict[tuple[str, ...], float]:
    """One counter over all snapshots, by labels."""
    total: dict[tuple[str, ...], float] = {}
    for snapshot in snapshots:
        for given, labels, value in snapshot["counters"]:
            if given == name:
                total[tuple(labels)] = total.get(tuple(labels), 0) + value
    return total
