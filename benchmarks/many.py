"""Many views: what each takes in memory, what a hit costs among them, and how long clients wait while MBUs change."""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import openloop, wrk
from benchmarks.ask import ask, get
from benchmarks.cost import metered
from benchmarks.figures import Figure
from benchmarks.fleet import Site, service_of, site
from benchmarks.mbu import SLOTS
from benchmarks.openloop import Answers, Invalidations
from benchmarks.peers import c, floor
from benchmarks.processes import LOAD_CORE, Server, pinned

FEW = 1_000
MANY = int(os.environ.get("AGGREGATOR_BENCH_VIEWS", "300000"))
ROUNDS, SECONDS = 5, 1
RATE, FOR, INVALIDATIONS, QUIET_FOR = 10_000.0, 30.0, 200.0, 10.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Redis need not hold them too; only what has a lifetime is dropped there, and never the log.
_REDIS = ("--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru")


def measure() -> tuple[list[Figure], list[str]]:
    """Two services, one with few views and one with many."""
    if command := wrk.why_missing() or c.why_missing():
        return [], [f"many: not measured: {command}"]
    folder = tempfile.TemporaryDirectory(prefix="aggregator-bench-")
    with pinned(LOAD_CORE), folder as name, site(Path(name), *_REDIS) as place:
        file, program = place.folder / "many.toml", openloop.program(place.folder)
        file.write_text(declaration())
        flags = ("--l1-bytes", "16GiB")
        with service_of(file, place.redis, *flags) as many:
            with service_of(file, place.redis, *flags) as few:
                figures, said = _measured(program, few, many)
            # Alone on its core: the other one would follow the log there, too.
            return figures + _latencies(place, program, many), said


def declaration() -> str:
    """One fragment, of an MBU in the process, with as many tags as the screen of eight has."""
    tags = ", ".join(f'"m{number}:{{id}}"' for number in range(SLOTS))
    return f"""version = 1
service = {{ log_retention = "1d" }}
defaults = {{ fresh_for = "12h", jitter = 0.0, early_refresh = 0.0, deadline = "10s" }}
mbus.m = {{ call = "benchmarks.many_mbu:home", max_in_flight_per_process = 1000 }}
fragments.home = {{ mbu = "m", path = "/home/{{id}}", tags = [{tags}] }}
screens.home = {{ path = "/home/{{id:int}}", slots = {{ home = "home" }} }}
"""


def _measured(program: Path, few: Server, many: Server) -> tuple[list[Figure], list[str]]:
    began = time.monotonic()
    sizes = [_memory(program, few, 1, FEW), _memory(program, many, FEW, MANY)]
    said = [f"many: the views were composed in {time.monotonic() - began:.0f} s"]
    return [*sizes, *_hits(few, many)], said


def _memory(program: Path, server: Server, already: int, views: int) -> Figure:
    """What each view takes that is added to those which are held already."""
    openloop.fill(program, server.port, already)
    before = _resident(server)
    openloop.fill(program, server.port, views)
    each = (_resident(server) - before) / (views - already)
    body = len(ask(server.port, get("/home/1")).body)
    memory = {"bytes resident": each, "bytes of payload": float(body), "bytes beyond it": each - body}
    return Figure("memory", f"a view with {SLOTS + 4} tags, of {views:,}", memory)


def _resident(server: Server) -> int:
    """Bytes of memory that its processes have."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in server.pids)


def _hits(few: Server, many: Server) -> list[Figure]:
    """In turn, so that what else the machine does hits both."""
    draw = random.Random(1)
    of_few = [get(f"/home/{number + 1}") for number in range(FEW)]
    of_many = [get(f"/home/{draw.randrange(MANY) + 1}") for _ in range(100_000)]
    pairs = [(_cpu(few, of_few), _cpu(many, of_many)) for _ in range(ROUNDS + 1)][1:]
    small, large = (statistics.median(one) for one in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for other, one in pairs)
    return [
        Figure("hits among many", f"L1 hit, of {FEW:,} views", {"µs of processor": small, "× few": 1.0}),
        Figure("hits among many", f"L1 hit, of {MANY:,} views", {"µs of processor": large, "× few": ratio}),
    ]


def _cpu(server: Server, requests: Sequence[bytes]) -> float:
    with metered(server.pids, count_instructions=False) as cost:
        load = wrk.drive(server.port, requests, SECONDS)
    got = ask(server.port, requests[0])
    assert b'detail="l1"' in got.head, got
    return cost.cpu / load.requests * 1e6


def _latencies(place: Site, program: Path, many: Server) -> list[Figure]:
    """The service, and what waits here even where nothing is done."""
    changes = Invalidations(place.redis.removeprefix("unix://"), INVALIDATIONS)
    quiet = openloop.drive(program, many.port, RATE, QUIET_FOR, MANY)
    changing = openloop.drive(program, many.port, RATE, FOR, MANY, changes)
    # Last, as what it invalidates would be missing in the other two.
    with floor.PEER.start(place) as constant:
        nothing = openloop.drive(program, constant.port, RATE, QUIET_FOR, MANY, changes)
    return [
        _latency(f"C, a constant, {INVALIDATIONS:g} invalidations/s", nothing),
        _latency("this, no invalidations", quiet),
        _latency(f"this, {INVALIDATIONS:g} invalidations/s", changing),
    ]


def _latency(name: str, answers: Answers) -> Figure:
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    values = {f"ms {which}": answers.percentile(share) for which, share in shares.items()} | {"ms worst": answers.worst}
    values["% unanswered"] = (answers.due - answers.answered) / answers.due * 100
    counts = {"from L1": answers.from_l1, "unproven": answers.unproven}
    values |= {f"% {what}": count / answers.answered * 100 for what, count in counts.items()}
    return Figure("latency", name, values, answers.curve)
