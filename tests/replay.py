"""Traces of requests, and what of them is hit: through our eviction, and through libCacheSim's as the reference."""

import random
from itertools import accumulate, chain
from typing import Any

from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.node import Node

# In order; an identity has the same size throughout.
Trace = list[tuple[int, int]]
REFERENCES = {"lru": "LRU", "sieve": "Sieve", "s3-fifo": "S3FIFO", "w-tinylfu": "WTinyLFU"}


def zipf(seed: int, requests: int, objects: int, exponent: float, size: int = 1024) -> Trace:
    """Requests drawn by Zipf's law, of one size."""
    weights = list(accumulate(rank**-exponent for rank in range(1, objects + 1)))
    return [(drawn, size) for drawn in random.Random(seed).choices(range(objects), cum_weights=weights, k=requests)]


def with_scans(trace: Trace, every: int, length: int) -> Trace:
    """With `length` requests between, after every `every`, for what is asked for once."""
    size, beyond = trace[0][1], 1 + max(identity for identity, _ in trace)
    scans = [
        [(beyond + at * length + one, size) for one in range(length)] for at in range((len(trace) + every - 1) // every)
    ]
    return list(chain.from_iterable(trace[at * every : (at + 1) * every] + scan for at, scan in enumerate(scans)))


def resized(trace: Trace, seed: int, least: int, most: int) -> Trace:
    """With sizes of a log-normal distribution, median 3,000 bytes, between `least` and `most`."""
    draw = random.Random(seed)
    sizes = {identity: int(min(most, max(least, draw.lognormvariate(8, 0.8)))) for identity in dict(trace)}
    return [(identity, sizes[identity]) for identity, _ in trace]


def footprint(trace: Trace) -> int:
    """The bytes of all that is asked for, each once."""
    return sum(dict(trace).values())


def replay(eviction: Eviction[Node], capacity: int, trace: Trace, share: int = 10) -> list[bool]:
    """Request by request, whether it is a hit. What is larger than one `share`-th of the capacity is never kept."""
    kept: dict[int, Node] = {}
    left, hits = capacity, []
    for identity, size in trace:
        node = kept.get(identity)
        hits.append(node is not None)
        if node is not None:
            eviction.touch(node)
        elif size * share <= capacity:
            while left < size:
                victim = eviction.victim()
                del kept[int(victim.key)]
                left += victim.cost
            node = kept[identity] = Node(key=b"%d" % identity, cost=size)
            eviction.add(node)
            left -= size
    return hits


def reference(name: str, capacity: int, trace: Trace) -> list[bool]:
    """The same, by libCacheSim's algorithm of our name."""
    import libcachesim

    cache: Any = getattr(libcachesim, REFERENCES[name])(capacity, hashpower=18)
    request, hits = libcachesim.Request(), []
    for identity, size in trace:
        request.obj_id, request.obj_size = identity, size
        hits.append(cache.get(request))
    return hits
