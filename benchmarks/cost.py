"""What processes spent: their processor time, and their instructions where the machine counts them."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

EVENTS = "instructions:u,instructions:k"


@dataclass
class Cost:
    """cpu: seconds on a core, of all threads. instructions: user's and kernel's together, None where not counted."""

    cpu: float = 0.0
    instructions: float | None = None


def why_no_instructions() -> str | None:
    """Why this machine does not count instructions; None if it does."""
    if not shutil.which("perf"):
        return "instructions are not counted: there is no perf here"
    tried = subprocess.run(["perf", "stat", "-x,", "-e", EVENTS, "true"], capture_output=True, text=True, check=False)
    if counted(tried.stderr) is None:
        return "instructions are not counted: perf is here, but the machine has no counters for it (a virtual one?)"
    return None


def counted(report: str) -> float | None:
    """The sum of the counts in what `perf stat -x,` says; None if one is missing."""
    counts = [line.split(",")[0] for line in report.splitlines() if "instructions" in line]
    return sum(map(float, counts)) if counts and all(count.isdigit() for count in counts) else None


@contextmanager
def metered(pids: Iterable[int], count_instructions: bool) -> Iterator[Cost]:
    """The cost of processes for as long as the block runs; filled in at its end."""
    cost = Cost()
    with tempfile.NamedTemporaryFile("r") as report:
        perf = _perf(pids, report.name) if count_instructions else None
        before = _cpu_seconds(pids)
        try:
            yield cost
        finally:
            cost.cpu = _cpu_seconds(pids) - before
            if perf:
                perf.send_signal(signal.SIGINT)
                perf.wait()
                cost.instructions = counted(report.read())


def _perf(pids: Iterable[int], report: str) -> "subprocess.Popen[bytes]":
    perf = subprocess.Popen(["perf", "stat", "-x,", "-o", report, "-e", EVENTS, "-p", ",".join(map(str, pids))])
    time.sleep(0.3)  # it does not say when it has attached
    return perf


def _cpu_seconds(pids: Iterable[int]) -> float:
    """Linux only: nanoseconds each thread was on a core."""
    threads = [thread for pid in pids for thread in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
