"""What all that is compared stands on: a real Redis server, MBUs that answer at once, and the service's declaration."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mbu import SLOTS
from benchmarks.processes import LOAD_CORE, Server, free_port, running, serving
from tests.servers import valkey

SECRET = "of the benchmarks: 32 bytes, or more"
# What is measured is what an L2 hit costs, not how often a busy machine makes Redis late.
FLAGS = ("--l2-budget", "5s", "--log-level", "error")


@dataclass(frozen=True)
class Site:
    """folder: for configuration and logs. mbus: the port of MBUs and of an origin that has composed. redis: a URL."""

    folder: Path
    mbus: int
    redis: str


@contextmanager
def site(folder: Path, *redis_options: str) -> Iterator[Site]:
    """Start Redis and the MBUs, on the core of the load."""
    mbus = free_port()
    with valkey(*redis_options) as redis, running([sys.executable, "-m", "benchmarks.mbu", mbus], LOAD_CORE):
        yield Site(folder, mbus, redis)


def declaration(mbus: int) -> str:
    """Screens of 8 fragments, each of an MBU of its own, that nothing expires in while it is measured.

    /home/ID is everybody's; /mine has the same bytes for a viewer whose token says `sub: ID`.
    """
    lines = ["version = 1", "[defaults]", 'fresh_for = "30m"', "jitter = 0.0", "early_refresh = 0.0"]
    lines += ["[[viewer.keys]]", 'algorithm = "HS256"', 'secret_env = "BENCHMARK_SECRET"']
    for number in range(SLOTS):
        lines += [f"[mbus.m{number}]", f'url = "http://127.0.0.1:{mbus}"', 'deadline = "5s"']
        lines += _fragment(number, "f", "id") + _fragment(number, "v", "viewer.sub")
    return "\n".join([*lines, *_screen("home", "/home/{id:int}", "f"), *_screen("mine", "/mine", "v")]) + "\n"


def _fragment(number: int, kind: str, source: str) -> list[str]:
    path = f'path = "/m{number}/{{{source}}}"'
    return [f"[fragments.{kind}{number}]", f'mbu = "m{number}"', path, f'tags = ["m{number}:{{{source}}}"]']


def _screen(name: str, path: str, kind: str) -> list[str]:
    slots = [f's{number} = "{kind}{number}"' for number in range(SLOTS)]
    return [f"[screens.{name}]", f'path = "{path}"', f"[screens.{name}.slots]", *slots]


@contextmanager
def service(site: Site, *flags: str, before: Sequence[str] = ()) -> Iterator[Server]:
    """The service with one worker, which is what is measured. before: what runs it, such as valgrind."""
    file = site.folder / "screens.toml"
    file.write_text(declaration(site.mbus))
    with service_of(file, site.redis, *flags, before=before) as server:
        yield server


@contextmanager
def service_of(file: Path, redis: str, *flags: str, before: Sequence[str] = ()) -> Iterator[Server]:
    """The service with a declaration of the caller's own."""
    port, admin = free_port(), free_port()
    serve = [*before, sys.executable, "-m", "aggregator", "serve", file, "--redis-url", redis, *FLAGS, *flags]
    command = [*serve, "--port", port, "--admin-port", admin]
    with serving(command, port, "/readyz", env={"BENCHMARK_SECRET": SECRET}) as server:
        _, *workers = server.pids
        yield Server(port, tuple(workers), admin)
