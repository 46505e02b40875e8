"""BentoCache on Node: its memory tier alone, and its Redis tier alone."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.fleet import Site
from benchmarks.peers.peer import HERE, Peer, program
from benchmarks.processes import Server, free_port, serving

_FOLDER = Path(os.environ.get("AGGREGATOR_BENCH_CACHE") or Path.home() / ".cache/screen-aggregator-bench")
_PACKAGES = ("bentocache@1", "ioredis@5")


def why_missing() -> str | None:
    """Install it where that is possible, outside the tree; else say how."""
    if not (program("node") and program("npm")):
        return "apt-get install nodejs npm"
    if not (_FOLDER / "node_modules/bentocache").exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(_command(), capture_output=True, check=False)
    return None if (_FOLDER / "node_modules/ioredis").exists() else " ".join(_command())


def _command() -> list[str]:
    return ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(_FOLDER), *_PACKAGES]


@contextmanager
def start(kind: str, site: Site) -> Iterator[Server]:
    """kind: "memory" or "redis"."""
    port = free_port()
    command = ["node", HERE / "bento.mjs", kind, port, site.mbus, site.redis.removeprefix("unix://")]
    how = {"env": {"NODE_ENV": "production"}, "cwd": _FOLDER, "log": site.folder / f"bento-{kind}.log"}
    with serving(command, port, **how) as server:
        yield server


MEMORY = Peer("BentoCache on Node, memory", why_missing, partial(start, "memory"), b"bento;hit", revalidates=True)
REDIS = Peer("BentoCache on Node, Redis", why_missing, partial(start, "redis"), b"bento;hit", revalidates=True)
