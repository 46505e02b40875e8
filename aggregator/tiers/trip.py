"""A trip is the commands that go to the server together: their calls, and whose each reply is."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from hiredis import ReplyError

from aggregator.tiers.command import Command
from aggregator.tiers.server import Call


class Trip:
    """All reads are one MGET, and scripts follow it, each by the name under which the server keeps it."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._commands = commands
        self._reads = [command for command in commands if command.script is None]
        self._runs = [command for command in commands if command.script is not None]

    def calls(self) -> list[Call]:
        """At least one."""
        keys = [key for read in self._reads for key in read.keys]
        mgets: list[Call] = [("MGET", *keys)] if keys else []
        return mgets + [run.by_name() for run in self._runs]

    def deal(self, replies: Sequence[Any]) -> list[Command]:
        """Give each command its reply. Those whose script the server does not know (any more) have none yet: they are
        to be sent by text."""
        each = iter(replies)
        if self._reads:
            self._deal_values(next(each))
        unknown = []
        for run, reply in zip(self._runs, each, strict=True):
            if isinstance(reply, ReplyError) and is_unknown(reply):
                unknown.append(run)
            else:
                run.settle(reply)
        return unknown

    def settle(self, run: Command, reply: Any) -> None:
        """Give a run that was sent by text its reply."""
        run.settle(reply)

    def fail(self, error: OSError) -> None:
        """Tell everybody who still waits."""
        for command in self._commands:
            command.fail(f"L2 is not reachable: {error}", error)

    def _deal_values(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            for read in self._reads:
                read.settle(reply)
        elif isinstance(reply, list) and len(reply) == sum(len(read.keys) for read in self._reads):
            values = iter(reply)
            for read in self._reads:
                read.settle(list(islice(values, len(read.keys))))
        else:
            for read in self._reads:
                read.fail(f"the server's reply to MGET is not a value a key: {reply!r:.100}")


def is_unknown(error: ReplyError) -> bool:
    """Does the server not know the script (any more)?"""
    return str(error).startswith("NOSCRIPT")
