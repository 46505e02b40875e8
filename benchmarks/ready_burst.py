"""One tag of very many hot views, and one that is invalidated a thousand times in a second."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aggregator.publisher import Publisher
from benchmarks.figures import Figure
from benchmarks.processes import Server, read
from benchmarks.ready_seen import percentile, versions
from benchmarks.ready_stage import Stage
from benchmarks.timed import Asker, play
from benchmarks.zipf import Traffic, View, events

BUDGET = 500  # views a second
CROWD, OTHERS, ROUNDS = 10_000, 10_000, 2
BURST, BURSTS, VIEWS_OF_IT = 1_000, 2, 50
READS = 3
SPAN = 0.1  # seconds
_SEED = 1
_REFRESHES = re.compile(rb'aggregator_refreshes_total\{outcome="(composed|overtaken)",screen="crowd"\} (\S+)')


class Invalidation(NamedTuple):
    """at: seconds after the beginning of a burst."""

    at: float


def about() -> str:
    """What the budget allows."""
    spans = {seconds: BUDGET * seconds + BUDGET / 10 for seconds in (SPAN, 1.0)}
    return "ready: the budget allows " + ", ".join(f"{most:g} views in {span:g} s" for span, most in spans.items())


async def measure(place: Stage) -> list[Figure]:
    """A service of its own, over what L2 holds already."""
    with place.service("--refresh-budget", str(BUDGET)) as server:
        asker = Asker(server.port)
        async with place.publisher() as publisher:
            await place.warm(asker, (f"/home/{user}" for user in range(OTHERS)))
            return [*await _crowd(place, asker, publisher), *await _bursts(place, server, asker, publisher)]


async def _crowd(place: Stage, asker: Asker, publisher: Publisher) -> list[Figure]:
    crowd, seconds = [f"/crowd/0/{number}" for number in range(CROWD)], CROWD / BUDGET
    await _made_hot(place, asker, crowd)
    figures = []
    for number in range(1, ROUNDS + 1):
        quiet = await _others(asker, seconds)
        await place.calls()
        took_place = await place.commit("/crowd/0")
        await publisher.invalidate(["crowd:0"])
        busy = await _others(asker, seconds)
        await asyncio.sleep(max(0.0, took_place + seconds - time.monotonic()))
        calls = await place.calls()
        again = await asker.all(crowd)
        fresh = [b"aggregator;hit" in one.head and versions(one.body) == (number,) for one in again]
        values = {"calls in 100 ms at most": float(_most(calls, SPAN)), "in 1 s": float(_most(calls, 1.0))}
        values |= {"s until the last": max(calls, default=took_place) - took_place}
        values |= {f"% fresh after {seconds:g} s": sum(fresh) / CROWD * 100}
        values |= {"ms p99 of others, before": quiet, "meanwhile": busy, "× before": busy / quiet}
        figures.append(Figure("one tag of many views", f"round {number}", values))
    return figures


async def _made_hot(place: Stage, asker: Asker, paths: Sequence[str]) -> None:
    for _ in range(READS):
        await place.warm(asker, paths)


async def _others(asker: Asker, seconds: float) -> float:
    """The 99th percentile of what views take that the tag is not on (ms)."""
    took: list[float] = []

    async def act(view: View, due: float) -> None:
        await asker.ask(f"/home/{view.user}")
        took.append((time.monotonic() - due) * 1000)

    views = [event for event in events(_SEED, seconds, Traffic(OTHERS, changes=0.0)) if isinstance(event, View)]
    await play(views, act)
    return percentile(sorted(took), 0.99)


def _most(instants: Iterable[float], seconds: float) -> int:
    """How many there were at most in any span of so many seconds."""
    ordered = sorted(instants)
    most = first = 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


async def _bursts(place: Stage, server: Server, asker: Asker, publisher: Publisher) -> list[Figure]:
    return [await _burst(place, server, asker, publisher, group) for group in range(1, BURSTS + 1)]


async def _burst(place: Stage, server: Server, asker: Asker, publisher: Publisher, group: int) -> Figure:
    views = [f"/crowd/{group}/{number}" for number in range(VIEWS_OF_IT)]
    await _made_hot(place, asker, views)
    before = _refreshes(server)

    async def act(event: Invalidation, due: float) -> None:
        await place.commit(f"/crowd/{group}")
        await publisher.invalidate([f"crowd:{group}"])

    began = await play([Invalidation(number / BURST) for number in range(BURST)], act)
    took = time.monotonic() - began
    await asyncio.sleep(3.0)  # what comes after the last one
    calls = await place.calls()
    again = await asker.all(views)
    ready = sum(b"aggregator;hit" in one.head and versions(one.body) == (BURST,) for one in again)
    values = {"s of invalidations": took, "MBU calls a view": len(calls) / VIEWS_OF_IT}
    values |= {f"{outcome} a view": count / VIEWS_OF_IT for outcome, count in (_refreshes(server) - before).items()}
    values["% that are hits of the last value"] = ready / VIEWS_OF_IT * 100
    return Figure("bursts of one tag", f"burst {group}: {BURST:,} times, {VIEWS_OF_IT} hot views", values)


def _refreshes(server: Server) -> Counter[str]:
    """How many views were composed with nobody waiting, by outcome."""
    page = read(f"http://127.0.0.1:{server.admin}/metrics")
    return Counter({outcome.decode(): int(float(count)) for outcome, count in _REFRESHES.findall(page)})
