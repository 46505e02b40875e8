"""What an answer costs: the service's, and those of everything else that is here, in turn, with the same load."""

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks import wrk
from benchmarks.cost import metered, why_no_instructions
from benchmarks.figures import Figure
from benchmarks.fleet import site
from benchmarks.processes import LOAD_CORE, pinned
from benchmarks.scenarios import Scenario, missing, scenarios, yardsticks

ROUNDS, SECONDS = 5, 1


class Run(NamedTuple):
    """One turn of one scenario. cpu: microseconds a request; instructions: a request."""

    rate: float
    cpu: float
    instructions: float | None


def measure() -> tuple[list[Figure], list[str]]:
    """Medians over alternating rounds, ratios within each, and what was not measured."""
    if not Path("/proc/self/schedstat").exists():
        return [], ["peers: not measured, as only Linux says what a process spent on its cores"]
    if command := wrk.why_missing():
        return [], [f"peers: not measured, for want of wrk: {command}"]
    why_not = why_no_instructions()
    folder = tempfile.TemporaryDirectory(prefix="aggregator-bench-")
    with pinned(LOAD_CORE), folder as name, site(_open_to_all(name)) as place, ExitStack() as stack:
        runs = _rounds(list(scenarios(stack, place)), count_instructions=why_not is None)
    notes = [f"peers: {peer} is missing: {command}" for peer, command in missing().items()]
    return [_figure(name, ours, runs) for name, ours in runs.items()], notes + ([why_not] if why_not else [])


def _open_to_all(folder: str) -> Path:
    """Some servers work as another user."""
    Path(folder).chmod(0o755)
    return Path(folder)


def _rounds(all_of_them: list[Scenario], count_instructions: bool) -> dict[str, list[Run]]:
    """Each scenario in turn, and all of them again, so that what else the machine does hits all alike."""
    runs: dict[str, list[Run]] = {}
    for turn in range(ROUNDS + 1):
        for one in all_of_them:
            run = _run(one, turn, count_instructions)
            if turn:  # the first round warms up
                runs.setdefault(one.name, []).append(run)
    return runs


def _run(one: Scenario, turn: int, count_instructions: bool) -> Run:
    requests = one.requests(turn)
    one.check(requests[-1])
    with metered(one.server.pids, count_instructions) as cost:
        load = wrk.drive(one.server.port, requests, SECONDS)
        time.sleep(0.1)  # what is done behind the last answers is part of their cost
    one.check(requests[-2])
    instructions = None if cost.instructions is None else cost.instructions / load.requests
    return Run(load.requests / load.seconds, cost.cpu / load.requests * 1e6, instructions)


def _figure(name: str, ours: list[Run], runs: dict[str, list[Run]]) -> Figure:
    values = {"µs of processor": statistics.median(run.cpu for run in ours)}
    for yardstick, unit in zip(yardsticks(), ("× C", "× nginx + Lua"), strict=True):
        if yardstick in runs:
            ratios = [one.cpu / other.cpu for one, other in zip(ours, runs[yardstick], strict=True)]
            values |= {unit: statistics.median(ratios), f"{unit}, least": min(ratios), f"{unit}, most": max(ratios)}
    values["requests/s"] = statistics.median(run.rate for run in ours)
    counted = [run.instructions for run in ours if run.instructions is not None]
    return Figure("peers", name, values | ({"instructions": statistics.median(counted)} if counted else {}))
