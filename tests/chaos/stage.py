"""The stage: one Redis, four services of one worker each (two of them behind proxies), MBUs, and a bystander."""

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.seen import Window
from tests.fleet import KEY
from tests.raw_client import Client
from tests.running import ROOT, Running
from tests.servers import Valkey
from tests.tcp_proxy import TcpProxy

MBUS = ("m0", "m1", "m2", "m3")
SCREENS = {"home": MBUS, "side": MBUS[:2]}
IDS = range(25)
OBJECTS = [f"/{name}/{id}" for name in MBUS for id in IDS]
WORKERS, PROXIED = 4, 2
CLOCKED = 1  # whose clock can be stepped, where there is libfaketime
_HEAD = """
version = 1
[defaults]
fresh_for = "60s"
stale_if_error = "60s"
deadline = "1s"
[publishers.chaos]
key_env = "PROOF_KEY"
tags = ["*"]
"""
_MBU = """
[mbus.{name}]
url = "{url}"
[fragments.{name}]
mbu = "{name}"
path = "/{name}/{{id}}"
tags = ["{name}:{{id}}"]
serve_overtaken_on_error = "60s"
"""


def declaration(url: str) -> str:
    """Screens that share fragments."""
    mbus = "".join(_MBU.format(name=name, url=url) for name in MBUS)
    screens = "".join(
        f'[screens.{name}]\npath = "/{name}/{{id}}"\n[screens.{name}.slots]\n'
        + "".join(f'{slot} = "{slot}"\n' for slot in slots)
        for name, slots in SCREENS.items()
    )
    return _HEAD + mbus + screens


@dataclass
class Stage:
    """down: workers that are stopped or dead now. proxies: of each proxied service the one to L2, and that to the log.
    clock: a file that says how wrong the clock of CLOCKED is. faults: those that are over. tracebacks: lines of logs of
    services that have ended."""

    redis: Valkey
    mbu_url: str
    namespace: str
    proxies: list[tuple[TcpProxy, TcpProxy]]
    clock: Path = Path()
    services: list[Running] = field(default_factory=list)
    down: set[int] = field(default_factory=set)
    faults: list[Window] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)

    def service(self, number: int) -> Running:
        """A new one for this place in the fleet."""
        cache, log = [one.url for one in self.proxies[number]] if number < PROXIED else [self.redis.url] * 2
        flags = ["--log-url", log, "--refresh-budget", "20"]
        env = KEY | (_stepping(self.clock) if number == CLOCKED else {})
        return Running(declaration(self.mbu_url), cache, 1, env, flags, self.namespace)

    async def mood(self, name: str, word: str) -> None:
        """Have an MBU behave so."""
        async with Client(self.mbu_url) as client:
            await client.ask(f"/mood/{name}/{word}", "PUT")

    async def commit(self, client: Client, path: str) -> int:
        """The object's next version."""
        return int((await client.ask(path, "PUT")).body)

    def end(self, number: int) -> None:
        """SIGTERM to a service; what it logged of defects is kept."""
        service = self.services[number]
        if not service.ended:
            service.terminate()
            self.tracebacks += [line for line in service.stderr.splitlines() if "Traceback" in line]
        service.__exit__()

    def stop(self) -> None:
        """End all services."""
        for number in range(len(self.services)):
            self.end(number)


def clock_can_step() -> bool:
    """Is there libfaketime? Debian has it in the package of that name."""
    return bool(_stepping(Path()))


def _stepping(file: Path) -> dict[str, str]:
    """What makes a process take its clock from a file; no monotonic one. Empty where that cannot be."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        return {}
    real = {"FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1"}
    return {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(file), **real}


@contextmanager
def helper(module: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process of these tests; its output is a pipe, or a file where it says much."""
    command = [sys.executable, "-m", f"tests.chaos.{module}"]
    with tempfile.TemporaryFile("w+") if module == "bystander" else ExitStack() as out:
        output = out if module == "bystander" else subprocess.PIPE
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, text=True)
        if module == "bystander":
            process.stdout = out  # type: ignore[assignment]
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def stage() -> Iterator[Stage]:
    """All of it but the bystander, until the block ends."""
    with ExitStack() as stack:
        redis = stack.enter_context(Valkey("--maxmemory-policy", "volatile-lru", "--enable-debug-command", "no"))
        mbu = stack.enter_context(helper("mbu"))
        assert mbu.stdout
        url = f"http://127.0.0.1:{mbu.stdout.readline().strip()}"
        pairs = [
            (stack.enter_context(TcpProxy(redis.url)), stack.enter_context(TcpProxy(redis.url))) for _ in range(PROXIED)
        ]
        clock = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aggregator-clock-")), "clock")
        clock.write_text("+0")
        made = Stage(redis, url, f"t{uuid.uuid4().hex[:12]}", pairs, clock)
        stack.callback(made.stop)
        for number in range(WORKERS):
            made.services.append(made.service(number).__enter__())
        yield made
