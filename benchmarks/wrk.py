"""The load: wrk, on one core, with 32 kept-alive connections, each sending its next request when it has its answer."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 32
_SCRIPT = Path(__file__).parent / "wrk.lua"


class Load(NamedTuple):
    """What a run came to."""

    requests: int
    seconds: float


def why_missing() -> str | None:
    """What to do where there is no wrk."""
    return None if shutil.which("wrk") else "apt-get install wrk"


def drive(port: int, requests: Sequence[bytes], seconds: int, connections: int = CONNECTIONS) -> Load:
    """Send these in turn, again and again; RuntimeError if one was refused (4xx, 5xx) or a connection broke."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(requests))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", _SCRIPT, f"http://127.0.0.1:{port}"]
        done = subprocess.run([*command, "--", file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr or done.stdout}")
    came_to = json.loads(done.stdout.splitlines()[-1])
    if came_to["refused"] or came_to["broken"]:
        raise RuntimeError(f"port {port}: {came_to}, the first request was {requests[0]!r}")
    return Load(came_to["requests"], came_to["microseconds"] / 1e6)
