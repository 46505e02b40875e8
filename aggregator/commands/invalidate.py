"""`aggregator invalidate`: append tags to the log of a running service."""

import asyncio
import os
from typing import Any

import click
import orjson

from aggregator.commands.admin_page import ADMIN_URL, Problem, base_of, default_url, page_of
from aggregator.commands.foreseen import foreseen_lines
from aggregator.commands.options import load_settings, settings_options
from aggregator.commands.refusal import Refusal
from aggregator.commands.signing import signed_headers
from aggregator.commands.text_file import text_of_file
from aggregator.embedded import find_embedded
from aggregator.invalidation.log import LogUnavailable
from aggregator.mistakes import Mistaken
from aggregator.model.tags import tag_mistake
from aggregator.publisher import Publisher
from aggregator.settings import Settings

KEY = "AGGREGATOR_PUBLISHER_KEY"
_DRY_RUN = "/invalidations?dry-run"
NOWHERE = (
    'No service of namespace "{}" with an embedded server runs here. Name the server of its log: '
    "--redis-url URL, or AGGREGATOR_REDIS_URL where the URL holds a password."
)


@click.command()
@click.argument("tags", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Invalidate nothing; tell what would be overtaken.")
@click.option("--admin-url", metavar="URL", help=f"The admin listener to ask for that. {ADMIN_URL}")
@click.option("--key-file", metavar="FILE", help=f"File with a publisher's key for that. [the variable {KEY}]")
@click.option(
    "--sign-as", metavar="PUBLISHER", help="For that, sign with the key as this publisher, in place of sending it."
)
@settings_options(
    "redis_url", "redis_url_file", "log_url", "log_url_file", "allow_insecure_redis", "namespace", "durability"
)
def invalidate(
    tags: tuple[str, ...], dry_run: bool, admin_url: str | None, key_file: str | None, sign_as: str | None, **flags: Any
) -> None:
    """Invalidate TAGS: whatever depends on one of them is loaded again when it is next read.

    Prints the position of the invalidation in the log, once it is there. Flags and AGGREGATOR_* variables say where
    the log is: the [service] table of a declaration is not read.
    """
    for tag in tags:
        if mistake := tag_mistake(tag):
            raise Refusal(f'"{tag}": {mistake}')
    for_dry_run = {"--admin-url": admin_url, "--key-file": key_file, "--sign-as": sign_as}
    if dry_run:
        click.echo("\n".join(foreseen_lines(_foreseen(tags, admin_url, key_file, sign_as))))
        return
    if given := [flag for flag, value in for_dry_run.items() if value is not None]:
        raise Refusal(f"{given[0]} is for --dry-run: without that, the log's server is written to, and asks for no key")
    try:
        settings = load_settings(flags, os.environ, Settings())
        click.echo(asyncio.run(_publish(settings, tags)))
    except (Mistaken, LogUnavailable) as error:
        raise Refusal(str(error)) from None


def _foreseen(tags: tuple[str, ...], admin_url: str | None, key_file: str | None, sign_as: str | None) -> Any:
    key, body = _key(key_file), orjson.dumps({"tags": tags})
    try:
        url = base_of(admin_url or default_url(os.environ))
        proof = _signed(f"{url}{_DRY_RUN}", body, sign_as, key) if sign_as else {"authorization": f"Bearer {key}"}
        return orjson.loads(page_of(url, _DRY_RUN, 10.0, body, {"content-type": "application/json", **proof}))
    except Problem as problem:
        raise Refusal(problem.said) from None
    except Mistaken as mistaken:
        raise Refusal(str(mistaken)) from None


def _signed(url: str, body: bytes, publisher: str, key: str) -> dict[str, str]:
    try:
        return signed_headers(url, body, publisher, key)
    except ValueError as error:
        raise Refusal(f"--sign-as: the key that was given {error}") from None


def _key(file: str | None) -> str:
    """The publisher's key: what may not be invalidated is not told of either."""
    key = text_of_file("--key-file", file) if file else os.environ.get(KEY, "")
    if not key:
        raise Refusal(f"expected the key of a declared publisher: --key-file FILE, or the variable {KEY}")
    return key


async def _publish(settings: Settings, tags: tuple[str, ...]) -> str:
    log, durability = where_log(settings), settings.durability
    async with Publisher(log, settings.namespace, deadline=0, durability=durability) as publisher:
        return await publisher.invalidate(tags)


def where_log(settings: Settings) -> str:
    """The URL of the log's server; Refusal where nothing says it."""
    url = settings.log_url or settings.redis_url or find_embedded(settings.namespace)
    if url is None:
        raise Refusal(NOWHERE.format(settings.namespace))
    return url
