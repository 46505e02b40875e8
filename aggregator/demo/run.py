"""The demo: sample MBUs and the service over them in one command, with a live line of what it saves."""

import asyncio
import socket
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import click

from aggregator.declaration.read import declare
from aggregator.demo.mbus import MBUS
from aggregator.http.exposition import Snapshot, summed
from aggregator.model.catalogue import Catalogue
from aggregator.process.supervisor import Running, supervise
from aggregator.process.worker import server
from aggregator.settings import Settings

FIRST_PORT = 9001


async def demonstrate(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM; leave nothing behind."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(_listening(FIRST_PORT + number)) for number in range(len(MBUS))]
        file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aggregator-demo-"))) / "screens.toml"
        file.write_text(_declaration([listening.getsockname()[1] for listening in sockets]))
        declared = declare(str(file), {})
        mbus = [server(mbu.app, settings) for mbu in MBUS.values()]
        serving = [asyncio.create_task(mbu.serve([on])) for mbu, on in zip(mbus, sockets, strict=True)]
        lines = Lines(declared.catalogue)
        try:
            await supervise(declared, settings, lines.begin)
        finally:
            lines.end()
            for mbu in mbus:
                mbu.should_exit = True
            await asyncio.gather(*serving)


def free_port(host: str, wanted: int) -> int:
    """`wanted` if nobody listens there, else 0, which lets the system choose."""
    try:
        socket.create_server((host, wanted)).close()
    except OSError:
        return 0
    return wanted


def _listening(wanted: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", free_port("127.0.0.1", wanted)))


def _declaration(ports: Iterable[int]) -> str:
    """The sample declaration, with the ports that could be had."""
    text = (files("aggregator.demo") / "screens.toml").read_text()
    for number, port in enumerate(ports):
        text = text.replace(f"127.0.0.1:{FIRST_PORT + number}", f"127.0.0.1:{port}")
    return text


class Lines:
    """What the demo prints: where to go, and every second what has been served and saved so far."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._slots = {name: len(screen.slots) for name, screen in catalogue.screens.items()}
        self._users = catalogue.mbus["users"].url
        self._task: asyncio.Task[None] | None = None

    def begin(self, running: Running) -> None:
        """The service answers: say so, and go on saying."""
        click.echo(
            f"\nA screen of six MBUs:  {running.url}/screens/home/42\n"
            f"Its metrics:           {running.admin_url}/metrics\n"
            f"Change a part of it:   curl -X PUT {self._users}/users/42\n"
            f"and invalidate that:   {_command()} invalidate user:42\n"
            "Stop:                  Ctrl-C\n"
        )
        self._task = asyncio.get_running_loop().create_task(self._tell(running))

    def end(self) -> None:
        """Say no more."""
        if self._task:
            self._task.cancel()
        click.echo()

    async def _tell(self, running: Running) -> None:
        said = ""
        while True:
            line = self._line(await running.snapshots())
            if sys.stdout.isatty():
                click.echo(f"\r{line}", nl=False)
            elif line != said:
                click.echo(line)
            said = line
            await asyncio.sleep(1.0)

    def _line(self, snapshots: list[Snapshot]) -> str:
        served = summed(snapshots, "screens_served")
        loads = summed(snapshots, "mbu_loads")
        calls = sum(count for (_, _, outcome), count in loads.items() if outcome not in ("shed", "breaker"))
        # A screen under way is not counted yet, though its calls are.
        saved = max(0, sum(self._slots[labels[0]] * count for labels, count in served.items()) - calls)
        return f"screens served {sum(served.values()):.0f} · MBU calls made {calls:.0f} · saved {saved:.0f}   "


def _command() -> str:
    """How this program was called, so that the line that is printed can be pasted."""
    return sys.argv[0] if Path(sys.argv[0]).name == "aggregator" else f"{sys.executable} -m aggregator"
