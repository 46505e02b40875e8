"""The processes that are measured, and those that measure: each on a core of its own, and gone with the block."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
ROOT = Path(__file__).parent.parent
_READY_WITHIN = 60.0  # under valgrind everything takes its time

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Server:
    """Where a server listens, and the processes that answer there. admin: the port of its other listener, if it has
    one."""

    port: int
    pids: tuple[int, ...]
    admin: int = 0


def pin(core: int) -> None:
    """Keep this process on one core, where there is such a core and the system can do that."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """This process on one core, for as long as the block runs."""
    mine = os.sched_getaffinity(0)
    pin(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@contextmanager
def running(
    command: Sequence[object],
    core: int = SERVER_CORE,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    log: Path | None = None,
) -> Iterator[Process]:
    """Run a command until the block ends. env: besides the own environment. log: where its output goes."""
    with open(log or os.devnull, "ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=output if log else None,
            # Before it starts, so that its threads and its children are kept there too.
            preexec_fn=lambda: pin(core),
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def serving(command: Sequence[object], port: int, path: str = "/home/1", **how: object) -> Iterator[Server]:
    """Run a server until the block ends; what answers is all of its processes. `how` is for `running`."""
    with running(command, **how) as process:  # type: ignore[arg-type]
        wait_for(f"http://127.0.0.1:{port}{path}", process)
        yield Server(port, (process.pid, *children(process.pid)))


def children(pid: int) -> tuple[int, ...]:
    """Children of a process, theirs, and so on."""
    own = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return tuple(member for child in own for member in (child, *children(child)))


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(url: str, process: Process) -> None:
    """Return once it answers with 200; RuntimeError if it does not, or if the process has ended."""
    end = time.monotonic() + _READY_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            read(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{url} did not answer within {_READY_WITHIN:g} s: {process.args!r}")


def read(url: str) -> bytes:
    """The body of an answer; OSError if there is none, or no good one."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())
