"""What is measured over the wire: a real Redis server, MBUs that answer at once, services, and a bare server."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import valkey

SLOTS = 8
SERVICE_CORE, LOAD_CORE = 0, 1
_READY_WITHIN = 20.0
# What is measured is what an L2 hit costs, not how often a busy machine makes Redis late.
FLAGS = ("--l2-budget", "5s", "--log-level", "error")


@dataclass(frozen=True)
class Server:
    """Where a server listens, and the process that answers there."""

    port: int
    pid: int


@dataclass(frozen=True)
class Fleet:
    """All of them; the two services share Redis and namespace. no_l1: its L1 is too small to hold anything."""

    service: Server
    no_l1: Server
    bare: Server


def pin(core: int) -> None:
    """Keep this process on one core, where there is such a core and the system can do that."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    """Start it all: what is measured on one core; Redis and the MBUs on that of the caller, who makes the load."""
    pin(LOAD_CORE)
    file, mbus = folder / "screens.toml", free_port()
    file.write_text(_declaration(mbus))
    with ExitStack() as stack:
        redis = stack.enter_context(valkey())
        stack.enter_context(running([sys.executable, "-m", "benchmarks.mbu", str(mbus)], LOAD_CORE))
        serve = [sys.executable, "-m", "aggregator", "serve", str(file), "--redis-url", redis, *FLAGS]
        service = stack.enter_context(service_of(serve))
        no_l1 = stack.enter_context(service_of([*serve, "--l1-bytes", "1KiB"]))
        body = folder / "body"
        body.write_bytes(_read(f"http://127.0.0.1:{service.port}/home/1"))
        yield Fleet(service, no_l1, stack.enter_context(_bare(body)))


def _declaration(port: int) -> str:
    """A screen of 8 fragments, each of an MBU of its own, that nothing expires in while it is measured."""
    lines = ["version = 1", "[defaults]", 'fresh_for = "30m"', "jitter = 0.0", "early_refresh = 0.0"]
    for number in range(SLOTS):
        lines += [f"[mbus.m{number}]", f'url = "http://127.0.0.1:{port}"', 'deadline = "5s"']
        lines += [f"[fragments.f{number}]", f'mbu = "m{number}"', f'path = "/m{number}/{{id}}"']
        lines += [f'tags = ["m{number}:{{id}}"]']
    slots = [f's{number} = "f{number}"' for number in range(SLOTS)]
    return "\n".join([*lines, "[screens.home]", 'path = "/home/{id:int}"', "[screens.home.slots]", *slots]) + "\n"


@contextmanager
def service_of(command: Sequence[str]) -> Iterator[Server]:
    port = free_port()
    with running([*command, "--port", str(port), "--admin-port", str(free_port())]) as parent:
        _wait_for(f"http://127.0.0.1:{port}/readyz", parent)
        [worker] = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        yield Server(port, int(worker))


@contextmanager
def _bare(body: Path) -> Iterator[Server]:
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.bare", str(port), str(body)]) as process:
        _wait_for(f"http://127.0.0.1:{port}/", process)
        yield Server(port, process.pid)


@contextmanager
def running(command: Sequence[str], core: int = SERVICE_CORE) -> Iterator["subprocess.Popen[bytes]"]:
    root = Path(__file__).parent.parent
    # Before it starts, so that its threads and its children are kept there too.
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, preexec_fn=lambda: pin(core))
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _READY_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            _read(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{url} did not answer within {_READY_WITHIN:g} s")


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return bytes(answer.read())
