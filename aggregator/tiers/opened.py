"""L2 at a URL: on one server behind one breaker, or on a Cluster with one for each node."""

from collections.abc import Callable
from functools import partial

from aggregator.servers.url import RedisUrl
from aggregator.tiers.cluster import Cluster
from aggregator.tiers.guarded import Guarded, Guarding
from aggregator.tiers.link import Link
from aggregator.tiers.pipeline import Commands, Pipeline
from aggregator.tiers.server import Server
from aggregator.tiers.spread import GuardedNodes

Guard = Callable[..., Guarding]


def opened(url: str, budget: float = 0.05) -> tuple[Commands, Guard]:
    """What runs commands there, and what guards a tier on it; connects at the first use. ValueError for what is no
    Redis URL, OSError if a file that it names cannot be read. budget: seconds."""
    found = RedisUrl.of(url)
    if found.kind != "cluster":
        return Pipeline(Link(Server.of(url)), budget), Guarded
    nodes = Cluster([Server.of(node) for node in found.asked], budget)
    return nodes, partial(GuardedNodes, nodes.slots)
