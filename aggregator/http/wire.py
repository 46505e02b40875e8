"""The public listener's protocol: answers at once what it can, and hands everything else to uvicorn's on httptools."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Protocol

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aggregator.http.heads import head_of
from aggregator.http.negotiation import request_id
from aggregator.http.problems import Reply, phrase, problem

# Of a read with many requests in it so much is parsed at a time, since each that waits costs 50 times its own bytes.
_SLICE = 1_024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a request's target, and of all its header lines together."""

    target: int = 8_192
    headers: int = 32_768


class AtOnce(Protocol):
    """at: the monotonic instant of the last answer."""

    at: float

    def answer(self, data: bytes) -> bytes | None:
        """The response to a whole request, if it is there."""


class Quick(Protocol):
    """Answers whole requests without ASGI."""

    @property
    def hits(self) -> AtOnce: ...

    def begin(self, data: bytes, done: Callable[[bytes], None]) -> bool:
        """Make the response, and give it to `done`, never before this returns; False where it is not made here."""


class Never:
    """Leaves everything to the ordinary path."""

    at = 0.0

    @property
    def hits(self) -> AtOnce:
        """None are."""
        return self

    def answer(self, data: bytes) -> bytes | None:
        """Nothing."""

    def begin(self, data: bytes, done: Callable[[bytes], None]) -> bool:
        """No."""
        return False


class Wire(HttpToolsProtocol):
    """Refuses with a problem document and closes: 414, 431, and 400 for what is no HTTP.

    A request that comes in one read, while nothing else is under way on its connection, is offered to `quick` first.
    """

    def __init__(self, limits: Limits, quick: Quick, **rest: Any) -> None:
        super().__init__(**rest)
        self._limits = limits
        self._hits, self._answer, self._begin = quick.hits, quick.hits.answer, quick.begin
        self._refusal: Reply | None = None
        self._refused = False
        self._in_head = self._in_message = self._making = self._closing = False
        self._free = True
        self._head_bytes = self._line_bytes = 0
        self._used_at = 0.0
        self._unfed = b""

    def data_received(self, data: bytes) -> None:
        """Answer, or feed the parser."""
        if self._free:
            find = self._answer
            answer = find(data)
            if answer is not None:
                self.transport.write(answer)
                self._used_at = self._hits.at
                if self.timeout_keep_alive_task is None:
                    self._rearm(self.timeout_keep_alive)
                return
            if self._begin(data, self._made):
                self._making = True
                self._free = False
                self._unset_keepalive_if_required()
                return
        self._unfed += data
        if not self._making:
            self._feed()
        elif len(self._unfed) > self._limits.headers:
            self.flow.pause_reading()

    def _made(self, answer: bytes) -> None:
        """What was begun is there; what came meanwhile is next."""
        self._making = False
        if self.transport.is_closing():
            return
        if self._closing:
            head, end, body = answer.partition(b"\r\n\r\n")
            self.transport.write(head + b"\r\nconnection: close" + end + body)
            self.transport.close()
            return
        self.transport.write(answer)
        self._go_on()

    def _go_on(self) -> None:
        """Look at what has not been looked at. Where that is not all of a request, the rest has to come in time."""
        self._set_free()
        unfed, self._unfed = self._unfed, b""
        if unfed:
            self.data_received(unfed)
        if not (self._making or self.pipeline or self._unfed):
            self.flow.resume_reading()
        if self._idle() and self.timeout_keep_alive_task is None:
            self._rearm(self.timeout_keep_alive)

    def _feed(self) -> None:
        """Feed the parser, until a request has to wait for an answer to the one before it."""
        data, fed = self._unfed, 0
        while fed < len(data) and not (self.pipeline or self._refused or self.transport.is_closing()):
            fed += self._parse(data[fed : fed + _SLICE])
        self._unfed = data[fed:]
        if self._unfed:
            self.flow.pause_reading()

    def _parse(self, data: bytes) -> int:
        """How many bytes were taken. The parser keeps an unfinished header line to itself, so raw bytes are counted
        here as well; not those of the piece in which the head began, since others may stand before it."""
        if self._in_head:
            self._head_bytes += len(data)
        taken = self._taken(data)
        if self._in_head and self._head_bytes > self._limits.headers + self._limits.target:
            self._refusal = self._too_many_headers()
            self.send_400_response("")
        return taken

    def _taken(self, data: bytes) -> int:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as end:
            # No upgrade is made, so that what follows is another request (RFC 9110, section 7.8).
            return int(end.args[0])
        except HttpParserError:
            self.send_400_response("")
        return len(data)

    def _set_free(self) -> None:
        self._free = self._idle() and not self._in_message and not self.flow.write_paused

    def _idle(self) -> bool:
        """Is no answer under way?"""
        return not self._making and (self.cycle is None or bool(self.cycle.response_complete))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = self._in_message = True
        self._free = False
        self._head_bytes = self._line_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        super().on_url(url)
        if len(self.url) > self._limits.target:
            limit = self._limits.target
            self._refuse(
                problem(414, f"The target is longer than the {limit} bytes that are taken.", connection="close")
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        super().on_header(name, value)
        self._line_bytes += len(name) + len(value) + len(": \r\n")
        if self._line_bytes > self._limits.headers:
            self._refuse(self._too_many_headers())

    def on_headers_complete(self) -> None:
        """The head ends."""
        self._in_head = False
        version, hosts = self.parser.get_http_version(), [name for name, _ in self.headers].count(b"host")
        # The parser lets other versions pass, and any number of Host lines (RFC 9112, section 3.2).
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and hosts == 0):
            raise ValueError("another version of HTTP, or not exactly one Host")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request ends."""
        super().on_message_complete()
        self._in_message = False
        self._set_free()

    def on_response_complete(self) -> None:
        """The response ends; a request that waited is next, or what was not parsed yet."""
        waited = bool(self.pipeline)
        super().on_response_complete()
        if self._unfed:
            self.flow.pause_reading()
        self._set_free()
        if waited or self.transport.is_closing():
            return
        if self._refused:
            self._refuse_now()
        elif self._unfed:
            self._go_on()

    def pause_writing(self) -> None:
        """The client does not read as fast as it asks: nothing is answered at once before it has caught up."""
        super().pause_writing()
        self._free = False

    def resume_writing(self) -> None:
        """It has."""
        super().resume_writing()
        self._set_free()

    def shutdown(self) -> None:
        """Close when the answer under way is sent."""
        self._closing = True
        if not self._making:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close what is idle. Hits do not set this timer anew each time: they note when they were."""
        left = self._used_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._rearm(left)
        else:
            super().timeout_keep_alive_handler()

    def _rearm(self, seconds: float) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, or was refused, and close: in its turn, after what came before it."""
        self._refused = True
        begun = self._in_message and self.cycle is not None and self.cycle.scope is self.scope
        if begun:
            self.cycle.disconnected = True  # It is to have no other answer.
        if begun and self.pipeline:
            self.pipeline.popleft()
        elif begun or self._idle():
            self._refuse_now()

    def _refuse_now(self) -> None:
        reply = self._refusal or problem(400, "This is not a valid HTTP/1.1 request.", connection="close")
        if not self.transport.is_closing():
            given = next((value for name, value in self.headers or () if name == b"x-request-id"), None)
            self.transport.write(raw(reply, formatdate(usegmt=True), request_id(given)))
            self.transport.close()

    def _too_many_headers(self) -> Reply:
        limit = self._limits.headers
        return problem(431, f"The headers are longer than the {limit} bytes that are taken.", connection="close")

    def _refuse(self, reply: Reply) -> None:
        """Stop the parser from within its callback; it then calls send_400_response."""
        self._refusal = reply
        raise ValueError(reply.status)


def raw(reply: Reply, date: str, name: str, head: bool = False) -> bytes:
    """The whole response as it goes on the wire. name: the request's id. head: is it one to HEAD?"""
    start = f"HTTP/1.1 {reply.status} {phrase(reply.status)}\r\ndate: {date}\r\nx-request-id: {name}\r\n"
    return b"".join((start.encode(), head_of(reply), b"" if head else reply.body))
