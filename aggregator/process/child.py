"""A child is one worker as its parent sees it: a process that is given its orders, and asked."""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from aggregator.process.channel import Channel
from aggregator.process.questions import Asker, Unanswered

_ASKED_WITHIN, _RELOADED_WITHIN, _SERVES_WITHIN = 1.0, 60.0, 60.0
_POLLED_EVERY = 0.05


class Worker:
    """One child process. report: the last one it gave. content: of the declaration that it serves."""

    def __init__(self, process: asyncio.subprocess.Process, asker: Asker, content: bytes = b"") -> None:
        self.process = process
        self.content = content
        self.report: dict[str, Any] = {}
        self._asker = asker

    async def ask(self, name: str, argument: Any = None, within: float | None = None) -> Any:
        """Its answer to a question; Unanswered if there is none, or none within so many seconds."""
        return await self._asker.ask(name, argument, within)

    @classmethod
    async def start(cls, listening: socket.socket, orders: dict[str, Any]) -> "Worker":
        """Start a process and give it its orders, which are not on its command line: they may hold secrets."""
        orders, (ours, theirs) = dict(orders), socket.socketpair()
        numbers = (theirs.fileno(), listening.fileno())
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "aggregator.process.worker",
            *map(str, numbers),
            pass_fds=numbers,
            # Ctrl-C at the terminal is for the parent, which lets its workers finish what they are at.
            start_new_session=True,
        )
        theirs.close()
        channel = await Channel.on(ours)
        with suppress(ConnectionError):  # it has ended already, which whoever waits for it will see
            await channel.send(orders)
        return cls(process, Asker(channel), orders["content"])

    async def reports(self) -> bool:
        """Have it report; False if it does not in time."""
        try:
            self.report = await self.ask("report", within=_ASKED_WITHIN)
        except Unanswered:
            return False
        return True

    async def goes_over(self, content: bytes) -> str:
        """Have it serve another declaration; gives why it does not, or nothing."""
        try:
            why = str(await self.ask("reload", content, within=_RELOADED_WITHIN))
        except Unanswered as error:
            why = str(error)
        self.content = self.content if why else content
        return why

    async def serves(self) -> bool:
        """Wait until it is ready and takes connections; False if it ends before that, or in time is not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SERVES_WITHIN):
                while self.process.returncode is None:
                    if await self.reports() and self.report["health"]["ready"] and self.report["listening"]:
                        return True
                    await asyncio.sleep(_POLLED_EVERY)
        return False

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    def close(self) -> None:
        """Close the channel: what is still running stops."""
        self._asker.close()
