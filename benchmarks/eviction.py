"""Eviction: the hit ratio of each algorithm beside libCacheSim's, and what it costs a hit, a miss and the memory."""

import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec

from benchmarks import tables, trace_file
from benchmarks.figures import Figure
from cache_policies.eviction.choice import ALGORITHMS, DEFAULT, chosen
from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.node import Node
from tests.replay import REFERENCES, Trace, footprint, reference, replay, resized, with_scans, zipf

SHARES = (0.01, 0.05, 0.1, 0.25)
REQUESTS, REAL_REQUESTS = 300_000, 500_000
# What a default must not be worse than.
PLAIN = ("lru", "sieve", "s3-fifo")
NODES, ROUNDS, SIZE = 300_000, 5, 4096


def measure() -> tuple[list[Figure], list[str]]:
    """Hit ratios in percent of requests, nanoseconds and bytes; notes on the traces and on the default's worst case."""
    ratios = [figure for name, trace in _traces() for figure in _ratios(name, trace)]
    behind = max((_behind(figure), figure.name) for figure in ratios)
    here = ", ".join(trace_file.found()) or "none"
    return [*ratios, *(_costs(name) for name in ALGORITHMS)], [
        f"{DEFAULT} is at most {behind[0]:.2f} of 100 requests behind the best of {', '.join(PLAIN)}: {behind[1]}",
        f"real traces in benchmarks/traces: {here}; its README says where they come from",
    ]


def _traces() -> Iterator[tuple[str, Trace]]:
    """Each with sizes all the same, and with sizes of bytes: its own, or drawn."""
    made = {
        "Zipf(0.8)": zipf(1, REQUESTS, REQUESTS // 10, 0.8),
        "Zipf(1.0)": zipf(2, REQUESTS, REQUESTS // 10, 1.0),
        "Zipf(1.0) with scans": with_scans(zipf(3, REQUESTS, REQUESTS // 10, 1.0), every=10_000, length=2_000),
    }
    real = {name: trace_file.read(file, REAL_REQUESTS) for name, file in trace_file.found().items()}
    for name, trace in (made | real).items():
        own = len({size for _, size in trace}) > 1
        yield f"{name}, one size", [(identity, SIZE) for identity, _ in trace]
        yield f"{name}, sizes {'its own' if own else 'drawn'}", trace if own else resized(trace, 4, 700, 50_000)


def _ratios(name: str, trace: Trace) -> Iterator[Figure]:
    whole = footprint(trace)
    for share in SHARES:
        capacity = int(whole * share)
        hits = {f"% {one}": replay(chosen(one, capacity), capacity, trace) for one in ALGORITHMS}
        if find_spec("libcachesim"):
            hits |= {f"% libCacheSim {one}": reference(one, capacity, trace) for one in REFERENCES}
        values = {unit: 100 * sum(those) / len(trace) for unit, those in hits.items()}
        yield Figure("eviction", f"{name}: {share:.0%} of {whole / 2**20:,.0f} MiB", values)


def _behind(figure: Figure) -> float:
    return max(figure.values[f"% {one}"] for one in PLAIN) - figure.values[f"% {DEFAULT}"]


def _costs(name: str) -> Figure:
    """The least of ROUNDS for a hit, and for a newcomer that makes another leave. Bytes are those a node needs itself,
    its key and its share of what the algorithm holds included, the keeper's dictionary not."""
    capacity = NODES * SIZE
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    eviction: Eviction[Node] = chosen(name, capacity)
    nodes = list(_nodes(0))
    _each(eviction.add, nodes)
    held = tracemalloc.get_traced_memory()[0] - before - sys.getsizeof(nodes)
    tracemalloc.stop()
    hits = [_each(eviction.touch, nodes) for _ in range(ROUNDS)]
    misses = [_replaced(eviction, list(_nodes(NODES * number))) for number in range(1, ROUNDS + 1)]
    return Figure(
        "eviction",
        f"{name}: costs, {NODES:,} nodes",
        {
            "ns a hit": min(hits),
            "ns a newcomer": min(misses),
            "bytes a node": held / NODES,
            "bytes of it the algorithm's own": eviction.overhead / NODES,
        },
    )


def _nodes(first: int) -> Iterator[Node]:
    # An identity of a view is about so long.
    return (Node(key=b"screen:home:viewer:%014d" % number, cost=SIZE) for number in range(first, first + NODES))


def _each(act: Callable[[Node], None], nodes: Iterable[Node]) -> float:
    """Nanoseconds of one."""
    began = time.perf_counter_ns()
    for node in nodes:
        act(node)
    return (time.perf_counter_ns() - began) / NODES


def _replaced(eviction: Eviction[Node], newcomers: list[Node]) -> float:
    began = time.perf_counter_ns()
    for node in newcomers:
        eviction.victim()
        eviction.add(node)
    return (time.perf_counter_ns() - began) / NODES


if __name__ == "__main__":
    figures, notes = measure()
    print(tables.text(tables.rows(figures)), *notes, sep="\n")
