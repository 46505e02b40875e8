"""The command line: `aggregator COMMAND`."""

import click

from aggregator.commands.check import check
from aggregator.commands.demo import demo
from aggregator.commands.explain import explain
from aggregator.commands.forget import forget
from aggregator.commands.invalidate import invalidate
from aggregator.commands.plan import plan
from aggregator.commands.relay import relay
from aggregator.commands.serve import serve
from aggregator.commands.warm import warm


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="screen-aggregator")
def main() -> None:
    """Compose each app screen from many small services, keep it ready, and keep it right."""


for command in (serve, check, plan, warm, explain, invalidate, forget, relay, demo):
    main.add_command(command)
