"""LRU, SIEVE and S3-FIFO hit what libCacheSim's hit, request by request; W-TinyLFU hits as often on Zipf's law.

What was found of the reference (version 0.3.5, and the source of its S3FIFO.c and Sieve.c) and is followed: until the
first eviction, what does not fit into S3-FIFO's small queue goes into the main one; the small queue gives way until one
node leaves it, even if the main queue outgrows its share by what is promoted meanwhile; uses start again at promotion;
a ghost is taken before room is made. Not followed: it refuses what is larger than the small queue (our tier refuses by
a share of its own), and its W-TinyLFU lets two nodes go where a newcomer wins, counts only main-queue hits, and halves
its sketch only after 32 times as many requests as there are bytes.
"""

import pytest

from cache_policies.eviction.eviction import Eviction
from cache_policies.eviction.lru import Lru
from cache_policies.eviction.node import Node
from cache_policies.eviction.s3_fifo import S3Fifo
from cache_policies.eviction.sieve import Sieve
from cache_policies.eviction.w_tinylfu import WTinyLfu
from tests.replay import Trace, footprint, reference, replay, resized, with_scans, zipf

pytest.importorskip("libcachesim", reason="libcachesim, the reference, has wheels for Linux on x86-64 only")

EVEN = {
    "zipf-0.8": zipf(1, 40_000, 4_000, 0.8),
    "zipf-1.0": zipf(2, 40_000, 4_000, 1.0),
    "zipf-1.0-scans": with_scans(zipf(3, 40_000, 4_000, 1.0), every=5_000, length=1_000),
}
TRACES = EVEN | {f"{name}-bytes": resized(trace, 4, 600, 6_000) for name, trace in EVEN.items()}
SHARES = (0.01, 0.1, 0.25)


def ours(name: str, capacity: int) -> Eviction[Node]:
    """The algorithm, with so many places for ghosts that none is forgotten early."""
    return {"lru": Lru, "sieve": Sieve, "s3-fifo": lambda: S3Fifo(capacity, grain=64)}[name]()


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize("name", ["lru", "sieve", "s3-fifo"])
def test_every_request_is_the_hit_or_miss_that_it_is_in_the_reference(name: str, trace: Trace, share: float):
    """With sizes all the same and of bytes, at three capacities."""
    capacity = int(footprint(trace) * share)
    assert replay(ours(name, capacity), capacity, trace) == reference(name, capacity, trace)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("trace", EVEN.values(), ids=EVEN)
def test_w_tinylfu_hits_as_often_as_the_reference(trace: Trace, share: float):
    """Its sketch has other hash functions, and forgets: not below it by more than 0.005 of the requests."""
    objects = [(identity, 1) for identity, _ in trace]
    capacity = int(footprint(objects) * share)
    hits = sum(replay(WTinyLfu(capacity, grain=1), capacity, objects))
    assert hits >= sum(reference("w-tinylfu", capacity, objects)) - 0.005 * len(trace)
