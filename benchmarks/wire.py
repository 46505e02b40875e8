"""What an answer costs a running service: from L1, from L2 and cold, beside bare uvicorn sending the same bytes."""

import asyncio
import os
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import uvloop

from benchmarks.cost import metered, why_no_instructions
from benchmarks.figures import Figure
from benchmarks.fleet import Fleet, Server, fleet
from benchmarks.load import fetch, get, load

ROUNDS = 5
USERS = 1_000


class Scenario(NamedTuple):
    """marker: what every answer's head holds if it came the way that is measured."""

    name: str
    server: Server
    requests: Callable[[], Iterable[bytes]]
    marker: bytes


class Run(NamedTuple):
    """One turn of one scenario, per request; cpu in microseconds."""

    rate: float
    cpu: float
    instructions: float | None


def measure() -> tuple[list[Figure], list[str]]:
    """The scenarios' medians over alternating rounds, and what was not measured."""
    if not Path("/proc/self/schedstat").exists():
        return [], ["wire: not measured, as only Linux says what a process spent on its cores"]
    mine = os.sched_getaffinity(0)
    why_not = why_no_instructions()
    try:
        with tempfile.TemporaryDirectory(prefix="aggregator-bench-") as folder, fleet(Path(folder)) as servers:
            runs = uvloop.run(_rounds(servers, count_instructions=why_not is None))
    finally:
        os.sched_setaffinity(0, mine)
    bare = next(iter(runs.values()))
    return [_figure(name, ours, bare) for name, ours in runs.items()], [why_not] if why_not else []


async def _rounds(servers: Fleet, count_instructions: bool) -> dict[str, list[Run]]:
    """Each scenario in turn, and all of them again, so that what else the machine does hits all alike."""
    for server in (servers.service, servers.no_l1):
        await load(server.port, _users(USERS), b" 200 ")
    etag = await fetch(servers.service.port, "/home/1", "etag")
    runs: dict[str, list[Run]] = {}
    for turn in range(ROUNDS + 1):
        for one in _scenarios(servers, etag, turn):
            run = await _run(one, count_instructions)
            if turn:  # the first round warms up
                runs.setdefault(one.name, []).append(run)
    return runs


def _scenarios(servers: Fleet, etag: str, turn: int) -> list[Scenario]:
    same, same_known = get("/home/1"), get("/home/1", f"if-none-match: {etag}")
    new_users = _users(400, first=1_000_000 + 1_000 * turn)
    return [
        Scenario("bare uvicorn, the same bytes", servers.bare, lambda: [same] * 8_000, b" 200 "),
        Scenario("L1 hit, one user", servers.service, lambda: [same] * 6_000, b'detail="L1"'),
        Scenario("L1 hit, 1,000 users in turn", servers.service, lambda: _users(6_000), b'detail="L1"'),
        Scenario("L1 hit answered 304", servers.service, lambda: [same_known] * 6_000, b" 304 "),
        Scenario("L2 hit (a service without L1)", servers.no_l1, lambda: _users(3_000), b'detail="L2"'),
        Scenario("cold screen of 8 fragments", servers.service, lambda: new_users, b'detail="MBU'),
    ]


def _users(requests: int, first: int = 1) -> Iterator[bytes]:
    """Requests of 1,000 users in turn."""
    return (get(f"/home/{first + number % USERS}") for number in islice(count(), requests))


async def _run(one: Scenario, count_instructions: bool) -> Run:
    requests = list(one.requests())
    with metered(one.server.pid, count_instructions) as cost:
        seconds = await load(one.server.port, requests, one.marker)
        await asyncio.sleep(0.1)  # what is done behind the last answers is part of their cost
    instructions = None if cost.instructions is None else cost.instructions / len(requests)
    return Run(len(requests) / seconds, cost.cpu / len(requests) * 1e6, instructions)


def _figure(name: str, ours: list[Run], bare: list[Run]) -> Figure:
    ratios = [one.cpu / other.cpu for one, other in zip(ours, bare, strict=True)]
    values = {
        "× bare": statistics.median(ratios),
        "× least": min(ratios),
        "× most": max(ratios),
        "µs of processor": statistics.median(run.cpu for run in ours),
        "requests/s": statistics.median(run.rate for run in ours),
    }
    counted = [run.instructions for run in ours if run.instructions is not None]
    return Figure("wire", name, values | ({"instructions": statistics.median(counted)} if counted else {}))
