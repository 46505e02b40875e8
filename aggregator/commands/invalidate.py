"""`aggregator invalidate`: append tags to the log of a running service."""

import asyncio
import os
from typing import Any

import click

from aggregator.commands.options import load_settings, settings_options
from aggregator.commands.refusal import Refusal
from aggregator.embedded import find_embedded
from aggregator.invalidation.log import LogUnavailable
from aggregator.invalidation.publisher import Publisher
from aggregator.mistakes import Mistaken
from aggregator.model.tags import tag_mistake
from aggregator.settings import Settings

NOWHERE = (
    'No service of namespace "{}" with an embedded server runs here. Name the server of its log: '
    "--redis-url URL, or AGGREGATOR_REDIS_URL where the URL holds a password."
)


@click.command()
@click.argument("tags", nargs=-1, required=True)
@settings_options("redis_url", "redis_url_file", "log_url", "log_url_file", "namespace")
def invalidate(tags: tuple[str, ...], **flags: Any) -> None:
    """Invalidate TAGS: whatever depends on one of them is loaded again when it is next read.

    Prints the position of the invalidation in the log, once it is there. Flags and AGGREGATOR_* variables say where
    the log is: the [service] table of a declaration is not read.
    """
    for tag in tags:
        if mistake := tag_mistake(tag):
            raise Refusal(f'"{tag}": {mistake}')
    try:
        settings = load_settings(flags, os.environ, Settings())
        click.echo(asyncio.run(_publish(settings, tags)))
    except (Mistaken, LogUnavailable) as error:
        raise Refusal(str(error)) from None


async def _publish(settings: Settings, tags: tuple[str, ...]) -> str:
    url = settings.log_url or settings.redis_url or find_embedded(settings.namespace)
    if url is None:
        raise Refusal(NOWHERE.format(settings.namespace))
    async with Publisher(url, settings.namespace) as publisher:
        return await publisher.invalidate(tags)
