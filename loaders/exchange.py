"""An exchange is one request to an ASGI application and its answer, as messages."""

import asyncio
import re
from collections.abc import Iterable

from starlette.types import Message

from loaders.answer import outcome_of
from loaders.loader import UNREADABLE, Outcome

_READABLE = re.compile(rb"[\t -~]*")


class Exchange:
    """A request without a body. max_payload: bytes of the answer's.

    outcome: there once the answer is whole, or too long, or `end` was called. whole: was all of the answer sent?
    """

    def __init__(self, max_payload: int) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.whole = False
        self._max_payload = max_payload
        self._asked = False
        self._over = asyncio.Event()
        self._start: tuple[int, dict[str, str]] | None = None
        self._body = bytearray()

    def end(self, outcome: Outcome) -> None:
        """This is the outcome, unless there is one."""
        self._over.set()
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    async def receive(self) -> Message:
        """The request; then nothing until the answer is over, when the client has left."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A part of the answer; RuntimeError if it is out of order."""
        match message["type"]:
            case "http.response.start":
                self._start = message["status"], _plain(message.get("headers", ()))
            case "http.response.body" if not self._over.is_set():
                self._take(message.get("body", b""), message.get("more_body", False))
        # An application that never waits would hold the loop, and nothing could cut it off.
        await asyncio.sleep(0)

    def _take(self, body: bytes, more: bool) -> None:
        if self._start is None:
            raise RuntimeError("http.response.body was sent before http.response.start")
        self._body += body
        self.whole = not more
        if self.whole or len(self._body) > self._max_payload:
            self.end(outcome_of(*self._start, bytes(self._body), self._max_payload))


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    plain: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), _readable(raw_value)
        if name in plain:
            value = UNREADABLE if UNREADABLE in (plain[name], value) else f"{plain[name]}, {value}"
        plain[name] = value
    return plain


def _readable(value: bytes) -> str:
    return value.strip(b" \t").decode("ascii") if _READABLE.fullmatch(value) else UNREADABLE
