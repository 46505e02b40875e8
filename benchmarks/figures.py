"""Figures: what was measured, on which machine, as a table for people and as JSON for comparison."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results"


class Figure(NamedTuple):
    """part: where it was measured. values: by unit, such as `{"requests/s": 7000.0}`. curve: what a plot needs."""

    part: str
    name: str
    values: dict[str, float]
    curve: Sequence[tuple[float, float]] = ()


def show(figures: Iterable[Figure]) -> str:
    """One line a figure."""
    return "\n".join(
        f"{one.part:9} {one.name:52} " + " · ".join(f"{_rounded(value)} {unit}" for unit, value in one.values.items())
        for one in figures
    )


def write(figures: Iterable[Figure], notes: Iterable[str]) -> Path:
    """Write benchmarks/results/latest.json."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "latest.json"
    measured = [one._asdict() for one in figures]
    file.write_text(
        json.dumps({**_circumstances(), "notes": list(notes), "figures": measured}, indent=2, ensure_ascii=False) + "\n"
    )
    return file


def _rounded(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _circumstances() -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"},
        "load_average": [round(one, 2) for one in os.getloadavg()],
        "python": platform.python_version(),
        "commit": _git("rev-parse", "HEAD") or "none",
        "changed_since": bool(_git("status", "--porcelain")),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _git(*arguments: str) -> str:
    here = Path(__file__).parent
    done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
