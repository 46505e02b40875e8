"""`aggregator serve`: run the service that a file declares."""

import asyncio
import os
import signal
from typing import Any

import click
import uvloop

from aggregator.commands.options import load_settings, settings_options
from aggregator.commands.refusal import Refusal, warn
from aggregator.declaration.read import Declared, declare
from aggregator.embedded import EmbeddedError
from aggregator.invalidation.durability import NeverDurable
from aggregator.mistakes import Mistaken
from aggregator.process.deploys import Declaring
from aggregator.process.logs import log_as
from aggregator.process.supervisor import CannotListen, Running, supervise
from aggregator.process.workers import WorkersFail


@click.command()
@click.argument("file")
@click.option("--watch", is_flag=True, help="Read FILE again whenever it changes, as SIGHUP does.")
@settings_options
def serve(file: str, watch: bool, **flags: Any) -> None:
    """Serve the screens of FILE (a TOML file, or module:attribute).

    SIGHUP: read FILE again. SIGUSR2: replace all workers, one after another. Neither drops a request.
    """

    def read() -> Declaring:
        declared = declare(file, os.environ)
        return Declaring(declared, load_settings(flags, os.environ, declared.service, file))

    try:
        declared, settings = read()
        warn(declared.warnings)
        log_as(settings.log_level, settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(supervise(declared, settings, lambda running: _tell(declared, running), read, watch))
            # While the interpreter ends nobody handles one that comes again, and its status would be the signal's.
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    except (Mistaken, CannotListen, EmbeddedError, NeverDurable, WorkersFail) as error:
        raise Refusal(str(error)) from None


def _tell(declared: Declared, running: Running) -> None:
    for screen in declared.catalogue.screens.values():
        click.echo(f"{screen.name}: {running.url}{screen.route.text}")
    click.echo(f"admin: {running.admin_url}   redis: {running.redis_url}")
