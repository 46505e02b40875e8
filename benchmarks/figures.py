"""Figures: what was measured, on which machine; kept as JSON, a file for each part."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"


class Figure(NamedTuple):
    """table: which it stands in. values: by unit, such as `{"requests/s": 7000.0}`. curve: what a plot needs."""

    table: str
    name: str
    values: dict[str, float]
    curve: Sequence[tuple[float, float]] = ()


class Results(NamedTuple):
    """What a part came to. circumstances: machine, commit and so on, as JSON has them."""

    circumstances: dict[str, Any]
    notes: list[str]
    figures: list[Figure]

    def tables(self) -> dict[str, list[Figure]]:
        """The figures of each table, in the order in which they were measured."""
        names = dict.fromkeys(figure.table for figure in self.figures)
        return {name: [figure for figure in self.figures if figure.table == name] for name in names}


def write(part: str, figures: Iterable[Figure], notes: Iterable[str]) -> Path:
    """Write benchmarks/results/PART.json."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{part}.json"
    measured = [{name: value for name, value in one._asdict().items() if value != ()} for one in figures]
    whole = {**circumstances(), "notes": list(notes), "figures": measured}
    file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return file


def read() -> dict[str, Results]:
    """All that was written, by part."""
    return {file.stem: _read(file) for file in sorted(RESULTS.glob("*.json"))}


def _read(file: Path) -> Results:
    whole = json.loads(file.read_text())
    figures = [Figure(**figure) for figure in whole.pop("figures")]
    return Results(whole, whole.pop("notes"), figures)


def circumstances() -> dict[str, Any]:
    """When, where and of what."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"},
        "load_average": [round(one, 2) for one in os.getloadavg()],
        "python": platform.python_version(),
        "commit": _git("rev-parse", "HEAD") or "none",
        # What a run of this writes itself is no change of what is measured.
        "changed_since": bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _git(*arguments: str) -> str:
    root = Path(__file__).parent.parent
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
