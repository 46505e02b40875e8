"""A worker answers requests on the socket it inherits, until its parent tells it to stop, or is gone."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from aggregator.app import Service, connect
from aggregator.declaration.read import Declared, declare, declare_content
from aggregator.generation import Loading
from aggregator.http.connections import Connections
from aggregator.http.cut_off import told_when_cut_off
from aggregator.http.limited import Limits
from aggregator.http.quick import Never, Quick
from aggregator.http.wire import Wire
from aggregator.imported import NotImportable
from aggregator.mistakes import Mistaken
from aggregator.process.channel import Channel
from aggregator.process.files import raise_file_limit
from aggregator.process.logs import log_as
from aggregator.process.questions import Answering, answer_all
from aggregator.settings import Settings
from aggregator.sources import Connecting

_log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn's server, whose signals are the worker's own affair."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers alone: uvicorn would raise the signal again and skip the rest of the shutdown."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections; those just taken have to be known before all are told to close."""
        for one in self.servers:
            one.close()
        await asyncio.sleep(0.01)
        await super().shutdown(sockets)


def server(
    app: ASGIApp, settings: Settings, quick: Quick | None = None, connections: Connections | None = None
) -> Server:
    """An HTTP server that stops when its `should_exit` is set. app: an ASGI application, which dates its own answers
    where something quicker is given. connections: counts them, and bounds those of one client; None = no such bound."""
    limits = Limits(
        settings.max_target_bytes,
        settings.max_header_bytes,
        settings.max_header_lines,
        connections=settings.max_connections,
    )
    counts = Connections() if connections is None else connections
    config = uvicorn.Config(
        told_when_cut_off(app),
        http=partial(Wire, limits, quick or Never(), counts),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=quick is None,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.drain_limit)),
    )
    return Server(config)


async def work(control: socket.socket, listening: socket.socket) -> None:
    """Take the orders from the parent, and serve."""
    channel = await Channel.on(control)
    orders = await channel.receive()
    settings = Settings.model_validate(orders["settings"])
    log_as(settings.log_level, settings.log_format)
    _have_files_for(settings.max_connections)
    source, content, loading = orders["source"], orders["content"], Connecting()
    catalogue = _declared(source, content).catalogue
    service = connect(catalogue, settings, orders["redis_url"], orders["log_url"], orders["hash_key"], loading)
    http = server(service.app, settings, service.quick, service.connections)
    answers = _answers(service, http) | {"reload": _reloads(service, source, loading)}
    await _serve(service, http, answer_all(channel, answers), listening, orders["ready_first"])


def _have_files_for(connections: int) -> None:
    files = raise_file_limit()
    if files < connections:
        _log.warning("fewer open files than max_connections", files=files, max_connections=connections)


def _declared(source: str, content: bytes) -> Declared:
    """What the parent was told: it has read the file, so that all of its workers say the same."""
    return declare_content(source, content, os.environ) if content else declare(source, os.environ)


async def _serve(
    service: Service, http: Server, questions: Coroutine[Any, Any, None], listening: socket.socket, ready_first: bool
) -> None:
    """ready_first: others take connections until this one is ready."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        http.should_exit = True

    loop.add_signal_handler(signal.SIGTERM, stop)
    following = loop.create_task(service.run())
    following.add_done_callback(lambda _: stop())
    answering = loop.create_task(questions)
    answering.add_done_callback(lambda _: stop())  # the parent is gone
    _settle()
    try:
        if ready_first:
            await _ready(service, following)
        await http.serve([listening])
        if following.done():
            following.result()
    finally:
        answering.cancel()
        following.cancel()
        await service.close()


async def _ready(service: Service, following: "asyncio.Task[None]") -> None:
    waiting = asyncio.get_running_loop().create_task(service.ready.wait())
    await asyncio.wait({waiting, following}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _settle() -> None:
    """Take what is there for good out of the garbage collector's sight: modules and the service itself, which a full
    collection would walk over each time. L1 does not let it see its views in the first place (`model/held.py`). What
    one screen makes and drops is more than the usual threshold: with this one a cold screen costs a fifth less.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _answers(service: Service, http: Server) -> dict[str, Answering]:
    """What the parent may ask, by name."""

    async def report(_: None) -> dict[str, Any]:
        """Health and metrics, and whether it takes connections."""
        return {"health": asdict(service.health()), "listening": http.started, **service.snapshot()}

    return {"report": report, **service.answers}


def _reloads(service: Service, source: str, loading: Loading) -> Answering:
    async def reload(content: bytes) -> str:
        """Go over to another declaration; gives why it did not, or nothing."""
        try:
            # Beside the event loop, which has requests to answer.
            declared = await asyncio.to_thread(declare_content, source, content, os.environ)
            await service.reload(declared.catalogue, loading)
        except (Mistaken, NotImportable, OSError, ValueError) as error:
            return str(error) or type(error).__name__
        return ""

    return reload


def main() -> None:
    """`python -m aggregator.process.worker CONTROL LISTENING`: two file descriptors."""
    control, listening = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(control, listening))


if __name__ == "__main__":
    main()
