"""Where it is shown how views are kept ready: real Redis, MBUs that take their time, publishers, and the service."""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from aggregator.publisher import Publisher
from benchmarks.fleet import service_of
from benchmarks.processes import LOAD_CORE, Server, free_port, running
from benchmarks.timed import Asker
from tests.servers import valkey

SLOTS = 3
TAKES = (20, 80)  # milliseconds


@contextmanager
def stage(folder: Path) -> Iterator["Stage"]:
    """Start Redis and the MBUs, on the core of the load."""
    port = free_port()
    with valkey() as redis, running([sys.executable, "-m", "benchmarks.ready_mbu", port], LOAD_CORE):
        yield Stage(folder, port, redis)


class Stage:
    """Within an event loop. mbus: their port."""

    def __init__(self, folder: Path, mbus: int, redis: str) -> None:
        self.mbus = Asker(mbus)
        self._folder = folder
        self._port = mbus
        self._redis = redis

    @contextmanager
    def service(self, *flags: str, **defaults: str) -> Iterator[Server]:
        """The real command, with one worker. defaults: what its declaration says otherwise."""
        file = self._folder / "ready.toml"
        file.write_text(_declaration(self._port, defaults))
        with service_of(file, self._redis, "--l1-bytes", "2GiB", *flags) as server:
            yield server

    def publisher(self) -> Publisher:
        """Of invalidations, into the service's log."""
        return Publisher(self._redis)

    async def commit(self, target: str) -> float:
        """An MBU has a new version of what is at this path; the instant from which on it answers with that."""
        await self.mbus.ask(f"/commit{target}")
        return time.monotonic()

    async def calls(self) -> list[float]:
        """The instants at which MBUs were asked since this was last called."""
        return [float(at) for at in orjson.loads((await self.mbus.ask("/calls")).body)]

    async def warm(self, asker: Asker, paths: Iterable[str]) -> None:
        """Ask once for each, of MBUs that meanwhile answer at once."""
        await self.mbus.ask("/takes/0/0")
        await asker.all(paths)
        await asyncio.sleep(1.0)  # what is stored behind the answers
        await self.mbus.ask(f"/takes/{TAKES[0]}/{TAKES[1]}")
        await self.calls()


def _declaration(mbus: int, defaults: dict[str, str]) -> str:
    """/home/USER of three fragments, and /crowd/GROUP/NUMBER of one, with a tag that all views of a group have."""
    said = {"fresh_for": "12h", "stale_while_revalidate": "10m", "on_invalidation": "wait", "deadline": "5s"} | defaults
    lines = ["version = 1", "[service]", 'log_retention = "1d"', "[defaults]", "jitter = 0.0", "early_refresh = 0.0"]
    # So that the MBUs' latency does not keep the service from as many refreshes as it is granted.
    lines += ["max_in_flight_per_process = 256", *(f'{name} = "{text}"' for name, text in said.items())]
    for number in range(SLOTS):
        lines += [f"[mbus.m{number}]", f'url = "http://127.0.0.1:{mbus}"']
        lines += _fragment(f"m{number}", f"m{number}", f"/m{number}/{{id}}", f"m{number}:{{id}}")
    lines += _fragment("crowd", "m0", "/crowd/{group}?id={id}", "crowd:{group}")
    slots = ", ".join(f's{number} = "m{number}"' for number in range(SLOTS))
    lines += ["[screens.home]", 'path = "/home/{id:int}"', f"slots = {{ {slots} }}"]
    lines += ["[screens.crowd]", 'path = "/crowd/{group:int}/{id:int}"', 'slots = { crowd = "crowd" }']
    return "\n".join(lines) + "\n"


def _fragment(name: str, mbu: str, path: str, tag: str) -> list[str]:
    return [f"[fragments.{name}]", f'mbu = "{mbu}"', f'path = "{path}"', f'tags = ["{tag}"]']
