"""A command is a read of some keys, or a run of a script on them, and the future of who waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.tiers.scripts import Script
from aggregator.tiers.server import Call
from aggregator.tiers.tier import Moving, TierUnavailable


@dataclass(slots=True, eq=False)
class Command:
    """read: what its future is given of the server's reply."""

    future: "asyncio.Future[Any]"
    keys: Sequence[str]
    read: Callable[[Any], Any]
    script: Script | None = None
    args: Sequence[bytes | int] = ()

    def by_name(self) -> Call:
        """The call that runs a script which the server has kept."""
        assert self.script, "only a script is run"
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.args)

    def by_text(self) -> Call:
        """The call that runs any script; the server keeps it from then on."""
        assert self.script, "only a script is run"
        return ("EVAL", self.script.text, len(self.keys), *self.keys, *self.args)

    def settle(self, reply: Any) -> None:
        """Give the reply to who waits, if anybody still does; one that cannot be read is none."""
        if isinstance(reply, Exception):
            # A slot of a Cluster is moving, and of a script's keys one is on either side, or nowhere yet.
            kind = Moving if str(reply).startswith("TRYAGAIN") else TierUnavailable
            self.fail(f"the server refused: {reply}", reply, kind)
        elif not self.future.done():
            try:
                self.future.set_result(self.read(reply))
            except Exception as error:
                self.fail(f"the server's reply cannot be read: {error!r}", error)

    def fail(self, why: str, cause: Exception | None = None, kind: type[TierUnavailable] = TierUnavailable) -> None:
        """Tell who waits, if anybody still does."""
        if not self.future.done():
            error = kind(why)
            error.__cause__ = cause
            self.future.set_exception(error)
