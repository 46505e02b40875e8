"""Runs benchmarks/paths.py under pytest-benchmark and reads its figures."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure

YARDSTICK = "test_yardstick_decoding_and_encoding_a_screen"
HERE = Path(__file__).parent


def measure() -> tuple[list[Figure], list[str]]:
    """Microseconds of each path, and its ratio to the yardstick's; no notes.

    The ratio is that of the least times: what else the machine does only ever adds.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        # pyproject.toml turns the plugin off, as tests have no use for it.
        options = ["-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "-q", "--benchmark-only"]
        timing = ["--benchmark-max-time=0.5", "--benchmark-disable-gc", f"--benchmark-json={report}"]
        command = [sys.executable, "-m", "pytest", str(HERE / "paths.py"), *options, *timing]
        done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"benchmarks/paths.py failed:\n{done.stdout}{done.stderr}")
        runs = json.loads(report.read_text())["benchmarks"]
    least, median = _microseconds(runs, "min"), _microseconds(runs, "median")
    ratios = {name: least[name] / least[YARDSTICK] for name in least}
    return [
        Figure("paths", _words(name), {"× yardstick": ratio, "µs at least": least[name], "µs median": median[name]})
        for name, ratio in ratios.items()
    ], []


def _microseconds(runs: list[dict[str, Any]], statistic: str) -> dict[str, float]:
    """By name, for one of as many as were measured together."""
    return {run["name"]: run["stats"][statistic] / run["extra_info"].get("batch", 1) * 1e6 for run in runs}


def _words(name: str) -> str:
    return name.removeprefix("test_").translate({ord("_"): " ", ord("["): " ", ord("]"): None})
