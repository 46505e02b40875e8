"""`aggregator forget`: overtake and delete everything that is kept of one viewer."""

import asyncio
import os
from typing import Any

import click

from aggregator.commands.invalidate import NOWHERE
from aggregator.commands.options import load_settings, settings_options
from aggregator.commands.refusal import Refusal
from aggregator.embedded import find_embedded
from aggregator.invalidation.log import LogUnavailable
from aggregator.mistakes import Mistaken
from aggregator.model.tags import tag_mistake, viewer_tag
from aggregator.publisher import Publisher
from aggregator.settings import Settings
from aggregator.tiers.erase import erase, unlist
from aggregator.tiers.tier import TierUnavailable

# Seconds in which every process has applied an invalidation (docs/architecture.md), and stores no older answer after.
_APPLIED_WITHIN = 0.5


@click.command()
@click.argument("subject")
@settings_options(
    "redis_url", "redis_url_file", "log_url", "log_url_file", "allow_insecure_redis", "namespace", "durability"
)
def forget(subject: str, **flags: Any) -> None:
    """Forget the viewer whose token has this SUBJECT (its "sub"): nothing kept of them is used again, not even where
    loading fails, and all of it is deleted.

    Prints the position of the invalidation and how many entries were deleted. Flags and AGGREGATOR_* variables say
    where log and L2 are: the [service] table of a declaration is not read.
    """
    if mistake := tag_mistake(viewer_tag(subject)):
        raise Refusal(f"this is no subject of a viewer: {mistake}")
    try:
        settings = load_settings(flags, os.environ, Settings())
        position, deleted = asyncio.run(_forget(settings, subject))
    except (Mistaken, LogUnavailable) as error:
        raise Refusal(str(error)) from None
    except TierUnavailable as error:
        raise Refusal(f"It is overtaken, and will not be used again; but it is not deleted: {error}") from None
    click.echo(f"{position}  {deleted} entries deleted")


async def _forget(settings: Settings, subject: str) -> tuple[str, int]:
    """First overtaken, so that no process uses or stores it any more; then deleted, until none of them can be late."""
    tier_url = settings.redis_url or find_embedded(settings.namespace)
    if tier_url is None:
        raise Refusal(NOWHERE.format(settings.namespace))
    log_url, durability = settings.log_url or tier_url, settings.durability
    async with Publisher(log_url, settings.namespace, deadline=0, durability=durability) as publisher:
        position = await publisher.invalidate([viewer_tag(subject)])
    deleted = await _erase(tier_url, settings.namespace, subject)
    await asyncio.sleep(_APPLIED_WITHIN)
    return position, deleted + await _erase(tier_url, settings.namespace, subject)


async def _erase(url: str, namespace: str, subject: str) -> int:
    await unlist(url, namespace, subject)
    return await erase(url, namespace, viewer_tag(subject))
