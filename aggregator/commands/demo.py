"""`aggregator demo`: six sample MBUs and the service over them."""

import asyncio

import click
import uvloop

from aggregator.commands.refusal import Refusal
from aggregator.demo.run import demonstrate, free_port
from aggregator.embedded import EmbeddedError
from aggregator.process.logs import log_as
from aggregator.process.supervisor import CannotListen
from aggregator.process.workers import WorkersFail
from aggregator.settings import Settings


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="port of the screens; a free one if taken")
@click.option("--admin-port", type=click.IntRange(0, 65535), default=8081, help="port of the admin listener; likewise")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="processes that answer")
def demo(port: int, admin_port: int, workers: int) -> None:
    """Run sample MBUs and the service over them, and show what it saves."""
    log_as("warning", "console")
    host = "127.0.0.1"
    settings = Settings(port=free_port(host, port), admin_port=free_port(host, admin_port), workers=workers)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(demonstrate(settings))
    except (CannotListen, EmbeddedError, WorkersFail) as error:
        raise Refusal(str(error)) from None
