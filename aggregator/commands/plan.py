"""`aggregator plan`: what one request for a screen would need, without asking any MBU."""

import os

import click

from aggregator.commands.asked import read_inputs, screen_of
from aggregator.commands.layers import load_settings
from aggregator.commands.measured import measure
from aggregator.commands.refusal import refuse, warn
from aggregator.commands.shown_plan import PlanLines
from aggregator.declaration.read import declare
from aggregator.mistakes import Mistake, Mistaken
from aggregator.model.plan import plan as plan_of


@click.command()
@click.argument("file")
@click.argument("screen")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--admin-url", metavar="URL", help="Show what loads took, by the metrics of the service that runs there.")
def plan(file: str, screen: str, values: tuple[str, ...], admin_url: str | None) -> None:
    """Show what a request for SCREEN needs, wave by wave: keys, tags, URLs, lifetimes, and what stands in.

    NAME is an input of the request: user_id, query.page, header.accept-language, cookie.theme, viewer.sub. No
    credential is needed or shown.
    """
    try:
        declared = declare(file, None)
        namespace = load_settings({}, os.environ, declared.service, file).namespace
        found = screen_of(declared.catalogue, screen)
        inputs = read_inputs(found, values)
        if plan_of(found, inputs, namespace) is None:
            raise Mistaken([Mistake("", "", found.name, "these values cannot be put to an MBU, or be in a tag: 404")])
        measured = measure(admin_url) if admin_url is not None else None
    except Mistaken as mistaken:
        refuse(mistaken)
    warn(declared.warnings)
    click.echo("\n".join(PlanLines(found, inputs, declared.catalogue.mbus, namespace, measured)))
