"""What the loads of a running service took, read from its metrics page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from aggregator.commands.admin_page import page_of, refused
from aggregator.commands.quantile import Buckets, quantile

NAME = "aggregator_mbu_load_seconds"


@dataclass(frozen=True)
class Loads:
    """Those of one fragment since the service started, for whichever screen; there is at least one."""

    buckets: Buckets

    @property
    def count(self) -> int:
        """How many there were."""
        return int(self.buckets[-1][1])

    @property
    def longest(self) -> float:
        """The seconds beyond which it is not told how much longer one took."""
        return self.buckets[-2][0]

    def took(self, share: float) -> float:
        """The seconds that this share of them did not exceed, as far as the service counts."""
        return quantile(share, self.buckets)


# By the names of MBU and fragment; those never loaded are not in it.
Measured = Mapping[tuple[str, str], Loads]


def measure(admin_url: str) -> Measured:
    """The loads that the service at the URL tells of; Mistaken, named by the flag, if it tells of none."""
    try:
        return read_page(page_of(admin_url))
    except (ValueError, LookupError):
        raise refused(f"what {admin_url} answers is not the metrics page of this service") from None


def read_page(page: str) -> Measured:
    """The loads in a page of metrics; ValueError or LookupError if it is not one of ours."""
    found = {family.name: family.samples for family in text_string_to_metric_families(page)}
    counts = _counts(sample for sample in found[NAME] if sample.name == f"{NAME}_bucket")
    if any(len(by) < 2 for by in counts.values()):
        raise ValueError("buckets without a finite bound")
    return {named: Loads(sorted(by.items())) for named, by in counts.items() if by[inf] > 0}


def _counts(samples: Iterable[Sample]) -> dict[tuple[str, str], dict[float, float]]:
    """By MBU and fragment, then by bound; where a page has several services together, they are added."""
    counts: dict[tuple[str, str], dict[float, float]] = {}
    for sample in samples:
        by = counts.setdefault((sample.labels["mbu"], sample.labels["fragment"]), {})
        bound = float(sample.labels["le"])
        by[bound] = by.get(bound, 0) + sample.value
    return counts
