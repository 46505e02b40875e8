"""The refusal of a command: each mistake on its own line, and exit status 2."""

import sys
from typing import Any, NoReturn

import click

from aggregator.mistakes import Mistake, Mistaken


def refuse(mistaken: Mistaken) -> NoReturn:
    """Print every mistake to standard error and leave with 2."""
    for mistake in mistaken.mistakes:
        click.echo(str(mistake), err=True)
    sys.exit(2)


def warn(warnings: tuple[Mistake, ...]) -> None:
    """Print every warning to standard error."""
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


class Refusal(click.ClickException):
    """What was asked cannot be done; the text says why, and what to do."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """The text alone."""
        click.echo(self.message, err=True)
