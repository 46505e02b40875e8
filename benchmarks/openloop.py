"""An open-loop load (peers/openloop.c): answers are timed from when they were due, so that no stall is hidden."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.c import compiled

CONNECTIONS = 64
STREAM = "aggregator:invalidations"
_SEED = 1


class Invalidations(NamedTuple):
    """redis: its socket. rate: a second, each of one view."""

    redis: str
    rate: float


class Answers(NamedTuple):
    """due: requests, of which some may never have been sent. All times are milliseconds.

    curve: latency, and the share of answers that had at most that.
    """

    due: int
    answered: int
    from_l1: int
    unproven: int
    seconds: float
    worst: float
    curve: list[tuple[float, float]]

    def percentile(self, share: float) -> float:
        """The latency that this share of the answers had at most."""
        return next(took for took, had in self.curve if had >= share)


def fill(program: Path, port: int, ids: int) -> float:
    """Ask once for /home/1 to /home/IDS; seconds."""
    return _run(program, port, 32, 0, 0, 0, ids, _SEED).seconds


def drive(
    program: Path, port: int, rate: float, seconds: float, ids: int, invalidations: Invalidations | None = None
) -> Answers:
    """Ask for random ones of them, so many a second; the first 2 s are not counted."""
    changes = [invalidations.redis, STREAM, invalidations.rate] if invalidations else []
    return _run(program, port, CONNECTIONS, rate, seconds + 2, 2, ids, _SEED, *changes)


def program(folder: Path) -> Path:
    """Compiled there."""
    return compiled("openloop", folder)


def _run(*command: object) -> Answers:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{done.args}: {done.stderr}")
    said = json.loads(done.stdout)
    assert said["refused"] == 0, said
    return Answers(
        *(said[name] for name in ("due", "answered", "from_l1", "unproven", "seconds")),
        said["worst"] / 1000,
        _curve(said),
    )


def _curve(said: dict[str, Any]) -> list[tuple[float, float]]:
    counted, so_far, curve = said["counted"], 0, []
    for most, count in said["histogram"]:
        so_far += count
        # The last bucket is wider than what is in it.
        curve.append((min(most, said["worst"]) / 1000, so_far / counted))
    return curve
