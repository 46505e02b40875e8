"""`aggregator warm`: compose views before anybody asks for them."""

import asyncio
import os
import sys
from typing import Any, TextIO

import click
import uvloop

from aggregator.app import Service
from aggregator.commands.asked import depends_on_secrets, screen_of
from aggregator.commands.invalidate import NOWHERE
from aggregator.commands.listed import Listed
from aggregator.commands.options import load_settings, settings_options
from aggregator.commands.refusal import Refusal, refuse
from aggregator.commands.warmed import Outcome, Source, Views, engine, warmed
from aggregator.declaration.read import declare
from aggregator.embedded import find_embedded
from aggregator.engine.warming import Wanted
from aggregator.invalidation.log import LogUnavailable
from aggregator.mistakes import Mistake, Mistaken, quoted
from aggregator.model.catalogue import Catalogue
from aggregator.model.screen import Screen
from aggregator.process.logs import log_as

# Lines not read that are told of; of the rest there is only the number.
_SHOWN = 20
_SOURCE = click.File("r", encoding="utf-8", errors="surrogateescape")


@click.command()
@click.argument("file")
@click.option("--screen", metavar="NAME", help="The screen whose views are warmed.")
@click.option("--from", "lines", type=_SOURCE, help="Warm those listed there, one a line; - is standard input.")
@click.option("--hot", is_flag=True, help="Warm what the fleet's readers read most, of --screen or of all screens.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=200.0, help="Views composed a second. [200]")
@click.option("--at-once", type=click.IntRange(1, 10_000), default=64, help="Views under way together. [64]")
@settings_options("redis_url", "redis_url_file", "log_url", "log_url_file", "allow_insecure_redis", "namespace")
def warm(
    file: str, screen: str | None, lines: TextIO | None, hot: bool, rate: float, at_once: int, **flags: Any
) -> None:
    """Compose views of the screens of FILE, so that a running service finds them in L2.

    Each line has the inputs of a view as `aggregator plan` takes them, such as user_id=42 query.page=2, quoted as in a
    shell; where the screen needs just one, its value does. What is there already is passed over, so that it can be
    stopped and run again. Leaves with 1 if a view failed or a line could not be read, with 130 if it was stopped.
    """
    if hot == bool(lines) or (lines and not screen):
        raise click.UsageError("Say what to warm: --screen NAME --from LIST, or --hot.")
    try:
        declared = declare(file, os.environ)
        settings = load_settings(flags, os.environ, declared.service, file)
        found = _warmable(declared.catalogue, screen) if screen else None
    except Mistaken as mistaken:
        refuse(mistaken)
    url = settings.redis_url or find_embedded(settings.namespace)
    if url is None:
        raise Refusal(NOWHERE.format(settings.namespace))
    log_as("error", "console")
    listed = Listed(found, lines.read()) if found and lines else None

    async def run() -> Outcome:
        service = engine(declared.catalogue, settings, url)
        return await warmed(service, _source(listed, found), settings.startup_limit, rate, at_once)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            _tell(runner.run(run()), listed.mistakes if listed else [])
    except LogUnavailable as error:
        raise Refusal(str(error)) from None


def _warmable(catalogue: Catalogue, name: str) -> Screen:
    screen = screen_of(catalogue, name)
    if depends_on_secrets(screen.inputs):
        message = "depends on cookies or forwarded headers, which nobody but its readers has; warm another screen"
        raise Mistaken([Mistake("", "", quoted(name), message)])
    return screen


def _source(listed: Listed | None, screen: Screen | None) -> Source:
    async def source(service: Service) -> Views:
        if listed is not None:
            return listed
        views = [view async for page in service.warm_start.listed() for view in page]
        wanted = [Wanted(view.address.decode(), view.screen, view.inputs) for view in views]
        return [one for one in wanted if screen in (None, one.screen)]

    return source


def _tell(outcome: Outcome, mistakes: list[str]) -> None:
    tally = outcome.tally
    for line in (*tally.reasons, *mistakes[:_SHOWN]):
        click.echo(line, err=True)
    if outcome.ended:
        click.echo(f"{outcome.ended}; run it again to go on", err=True)
    click.echo(
        f"{tally.composed} composed, {tally.there} already there, {tally.absent} absent, {tally.failed} failed, "
        f"{len(mistakes)} lines not read, {outcome.seconds:.1f} s"
    )
    sys.exit(outcome.status or int(bool(tally.failed or mistakes)))
