"""The metrics page of a service that saw certain loads."""

from prometheus_client import CollectorRegistry, generate_latest

from aggregator.events import Called
from aggregator.http.exposition import Exposition
from aggregator.http.meters import Meters


def page(*took: tuple[str, str, float]) -> bytes:
    """The metrics page of a service whose loads took this: MBU, fragment, seconds."""
    meters = Meters()
    for mbu, fragment, seconds in took:
        meters(Called(mbu, fragment, "loaded", seconds))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(lambda: [{"counters": meters.snapshot(), "gauges": {}}]))
    return generate_latest(registry)
