"""How far a command is: a bar at a terminal, else a line every few seconds."""

import sys
import time
from typing import Protocol

import click
from tqdm import tqdm

_EVERY = 5.0  # seconds


class Progress(Protocol):
    """What is told of each step, and of the end."""

    def update(self) -> object:
        """One step more."""

    def close(self) -> None:
        """There are no more."""


def progress(total: int, unit: str) -> Progress:
    """What tells how far it is, how many a second, and when it will be through, on standard error."""
    if sys.stderr.isatty():
        return tqdm(total=total, unit=f" {unit}", dynamic_ncols=True)
    return Lines(total, unit)


class Lines:
    """The rate is that since the last line, so that a part which went quickly says nothing of the rest."""

    def __init__(self, total: int, unit: str) -> None:
        self._total = total
        self._unit = unit
        self._done = self._told = 0
        self._told_at = time.monotonic()

    def update(self) -> None:
        """Tell it if the last line was some time ago."""
        self._done += 1
        now = time.monotonic()
        if now < self._told_at + _EVERY:
            return
        rate = (self._done - self._told) / (now - self._told_at)
        left = tqdm.format_interval((self._total - self._done) / rate)
        click.echo(f"{self._done} of {self._total} {self._unit}, {rate:.0f} a second, {left} left", err=True)
        self._told, self._told_at = self._done, now

    def close(self) -> None:
        """A summary is the command's to give."""
